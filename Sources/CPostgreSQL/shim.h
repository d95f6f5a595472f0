#include <libpq-fe.h>

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

// Four functions of the OpenSSL that libpq itself is linked with (libpq-dev brings its headers along). Declared by hand: the
// headers would bring thousands of names that BoringSSL, which comes with NIOSSL, declares in its own way.
struct ssl_st;
struct x509_st;
int SSL_peek(struct ssl_st *ssl, void *buffer, int count);
struct x509_st *SSL_get1_peer_certificate(const struct ssl_st *ssl);
int i2d_X509(const struct x509_st *certificate, unsigned char **out);
void X509_free(struct x509_st *certificate);

/// What the server sent next, decrypted, without taking it: at most one TLS record. Returns 0 or less where there is nothing yet.
static inline int patchbay_pq_peek_tls(PGconn *connection, void *buffer, int count) {
    struct ssl_st *ssl = PQsslStruct(connection, "OpenSSL");
    return ssl ? SSL_peek(ssl, buffer, count) : -1;
}

/// What the server sent next, as it came, without taking it. Returns 0 at the end and less where there is nothing yet.
static inline int patchbay_pq_peek(PGconn *connection, void *buffer, int count) {
    return (int)recv(PQsocket(connection), buffer, (size_t)count, MSG_PEEK | MSG_DONTWAIT);
}

/// The server's certificate in DER, if it fits. Returns its size, or 0.
static inline int patchbay_pq_certificate(PGconn *connection, unsigned char *buffer, int count) {
    struct ssl_st *ssl = PQsslStruct(connection, "OpenSSL");
    struct x509_st *certificate = ssl ? SSL_get1_peer_certificate(ssl) : 0;
    if (!certificate)
        return 0;
    int size = i2d_X509(certificate, 0);
    if (size > 0 && size <= count)
        size = i2d_X509(certificate, &buffer);
    else
        size = 0;
    X509_free(certificate);
    return size;
}

/// How many bytes ever came in through a TCP connection, read or not; -1 where the kernel does not say. tcp_info is a fixed part
/// of the kernel's interface, and the C library's own copy of it ends before this member.
static inline int64_t patchbay_bytes_received(int socket) {
    unsigned char info[136];
    socklen_t size = sizeof info;
    int64_t received;
    if (getsockopt(socket, IPPROTO_TCP, 11 /* TCP_INFO */, info, &size) != 0 || size < sizeof info)
        return -1;
    memcpy(&received, info + 128, sizeof received);
    return received;
}

/// A file that is in no folder, for what a library reads from files only. Returns -1 on failure.
static inline int patchbay_memory_file(void) {
    return (int)syscall(SYS_memfd_create, "patchbay", 1u /* MFD_CLOEXEC */);
}
