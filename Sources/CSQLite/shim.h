#include <sqlite3.h>

// sqlite3_config is variadic and SQLITE_TRANSIENT a cast: neither can be said in Swift.

/// One thread at a time uses a connection, and nobody reads the allocation statistics: both spare a global mutex.
/// Must come before anything else of SQLite.
static inline int patchbay_sqlite3_configure(void) {
    int result = sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    return result == SQLITE_OK ? sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) : result;
}

static inline int patchbay_sqlite3_bind_text(sqlite3_stmt *statement, int index, const char *text, sqlite3_uint64 count) {
    return sqlite3_bind_text64(statement, index, text, count, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static inline int patchbay_sqlite3_bind_blob(sqlite3_stmt *statement, int index, const void *bytes, sqlite3_uint64 count) {
    return sqlite3_bind_blob64(statement, index, bytes, count, SQLITE_TRANSIENT);
}

// Extended codes are expressions, which the importer passes over.
static const int patchbay_SQLITE_CONSTRAINT_UNIQUE = SQLITE_CONSTRAINT_UNIQUE;
static const int patchbay_SQLITE_CONSTRAINT_PRIMARYKEY = SQLITE_CONSTRAINT_PRIMARYKEY;
