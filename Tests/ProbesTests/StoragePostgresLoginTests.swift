import LosslessJSON
import TestSupport
import Testing

@testable import Probes

@Suite struct StoragePostgresLoginTests {
    struct Good: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let expected: String

        init(_ text: String, _ expected: String) {
            testDescription = text
            self.expected = expected
        }
    }

    @Test(arguments: good)
    func reads(_ given: Good) throws {
        let login = try PostgresLogin(given.testDescription)
        #expect(login.text == given.expected)
    }

    @Test(arguments: malformed)
    func refusesWhatIsUnclear(_ text: String) {
        #expect(throws: PostgresLogin.Problem.malformed) { try PostgresLogin(text) }
    }

    @Test(arguments: unsupported)
    func refusesWhatAServiceCannotHave(_ text: String) {
        #expect(throws: PostgresLogin.Problem.unsupported) { try PostgresLogin(text) }
    }

    @Test(arguments: [
        (#"{"host":"db.example.com"}"#, "u:p@db.example.com:5432/u prefer"),
        (
            #"{"host":"db.example.com","port":6543,"database":"d","sslmode":"verify-full"}"#,
            "u:p@db.example.com:6543/d verify-full"
        ),
        (#"{"host":"db.example.com","port":"6543"}"#, "u:p@db.example.com:6543/u prefer"),
        (#"{"host":"2001:db8::1"}"#, "u:p@2001:db8::1:5432/u prefer"),
    ])
    func readsConfig(_ config: String, _ expected: String) throws {
        let data = JSONObject(.literal(#"{"username":"u","password":"p"}"#))
        #expect(try PostgresLogin(data: data, config: JSONObject(.literal(config))).text == expected)
    }

    @Test(arguments: [
        ("{}", PostgresLogin.Problem.incomplete), (#"{"host":"/var/run"}"#, .unsupported),
        (#"{"host":"a,b"}"#, .unsupported), (#"{"host":"a b"}"#, .malformed), (#"{"host":"a","port":0}"#, .malformed),
        (#"{"host":"a","sslmode":"maybe"}"#, .malformed),
    ])
    func refusesConfig(_ config: String, _ problem: PostgresLogin.Problem) {
        let data = JSONObject(.literal(#"{"username":"u","password":"p"}"#))
        #expect(throws: problem) { try PostgresLogin(data: data, config: JSONObject(.literal(config))) }
    }

    static let good = [
        Good("postgresql://u:p@h/d", "u:p@h:5432/d prefer"),
        Good("postgres://u:p@h/d", "u:p@h:5432/d prefer"),
        Good("postgresql://u@h", "u@h:5432/u prefer"),
        Good("postgresql://u@h/", "u@h:5432/u prefer"),
        Good("postgresql://u:@h", "u@h:5432/u prefer"),
        Good("postgresql://u:p@h:6543/d", "u:p@h:6543/d prefer"),
        Good("postgresql://u:p@h:/d", "u:p@h:5432/d prefer"),
        Good("postgresql://u:p@DB.Example.COM/d", "u:p@db.example.com:5432/d prefer"),
        Good("postgresql://u:p@10.0.0.1/d", "u:p@10.0.0.1:5432/d prefer"),
        Good("postgresql://u:p@[2001:DB8::1]:6543/d", "u:p@2001:db8::1:6543/d prefer"),
        Good("postgresql://u:p%40ss%2Fw%3Ard@h/d", "u:p@ss/w:rd@h:5432/d prefer"),
        Good("postgresql://u%40x:p@h/d%20e", "u@x:p@h:5432/d e prefer"),
        Good("postgresql://u:p:q@h/d", "u:p:q@h:5432/d prefer"),
        Good("postgresql://u:p?q#r@h/d", "u:p?q#r@h:5432/d prefer"),
        Good("postgresql://u:p\u{E4}ss@h/d", "u:p\u{E4}ss@h:5432/d prefer"),
        Good("postgresql://u:p%C3%A4ss@h/d", "u:p\u{E4}ss@h:5432/d prefer"),
        Good("postgresql://u:p+q@h/d", "u:p+q@h:5432/d prefer"),
        Good("postgresql://u:p@h/d?sslmode=verify-full", "u:p@h:5432/d verify-full"),
        Good("postgresql://u:p@h/d?sslmode=disable&sslmode=require", "u:p@h:5432/d require"),
        Good("postgresql://u:p@h/d?ssl=true", "u:p@h:5432/d require"),
        Good("postgresql://u:p@h/d?ssl=false", "u:p@h:5432/d prefer"),
        Good("postgresql://u:p@h/d?", "u:p@h:5432/d prefer"),
        Good("postgresql://u:p@h?sslmode=allow", "u:p@h:5432/u allow"),
        Good("postgresql://u:p@h/d?application_name=x&connect_timeout=10", "u:p@h:5432/d prefer"),
        Good("postgresql://u:p@h/d?pgbouncer=true&connection_limit=1&schema=public", "u:p@h:5432/d prefer"),
        Good("postgresql://u:p@h/d?channel_binding=require&sslmode=require", "u:p@h:5432/d require bound"),
        Good("postgresql://h/d?user=u&password=p%26q", "u:p&q@h:5432/d prefer"),
        Good("postgresql:///d?host=h&port=6543&user=u", "u@h:6543/d prefer"),
        Good("postgresql://u@h/d?dbname=e", "u@h:5432/e prefer"),
        Good("host=h user=u", "u@h:5432/u prefer"),
        Good("host = h  port=6543\nuser='u x' password='it\\'s' dbname=d\\ e", "u x:it's@h:6543/d e prefer"),
        Good("host=h user=u password=''", "u@h:5432/u prefer"),
        Good("host=h user=u password=a'b=c sslmode=verify-ca", "u:a'b=c@h:5432/u verify-ca"),
    ]

    static let malformed = [
        "", " ", "x", "mysql://u:p@h/d", "POSTGRESQL://u:p@h/d", "postgresql:/u:p@h/d", "postgresql://h/d",
        "postgresql://:p@h/d", "postgresql://u:p@h:0/d", "postgresql://u:p@h:65536/d", "postgresql://u:p@h:+1/d",
        "postgresql://u:p@h:x/d", "postgresql://u:p@h:5432:5433/d", "postgresql://u:p@h@i/d", "postgresql://u:%zz@h/d",
        "postgresql://u:%4@h/d", "postgresql://u:%@h/d", "postgresql://u:%00@h/d", "postgresql://u:%FF@h/d",
        "postgresql://u:p@h/d?sslmode", "postgresql://u:p@h/d?sslmode=a=b", "postgresql://u:p@h/d?sslmode=maybe",
        "postgresql://u:p@h/d?&", "postgresql://u:p@h/d?channel_binding=maybe", "postgresql://u:p@[h]/d",
        "postgresql://u:p@[::1/d", "postgresql://u:p@::1/d", "postgresql://u:p@[::1]x/d", "postgresql://u:p@h_%20/d",
        "postgresql://u:p@h#x/d", "postgresql://u:p w@h/d", "postgresql://u:p@h/d\n", "postgresql://u:p@h\u{E4}/d",
        "postgresql://u:p@[fe80::1%25eth0]/d", "host", "host=", "host=h user", "host=h user=u password='x",
        "host=h user=u password=x\\", "=h user=u", "host=h", "postgresql://u:p@.h/d", "postgresql://u:p@h./d",
        "postgresql://u:\(String(repeating: "x", count: 5_000))@h/d",
    ]

    static let unsupported = [
        "postgresql://u:p@/d", "postgresql://u:p@h1,h2/d", "postgresql://u:p@h1:1,h2:2/d",
        "postgresql://u:p@%2Fvar%2Frun%2Fpostgresql/d", "postgresql://u:p@h/d?host=/var/run/postgresql",
        "postgresql://u:p@h/d?host=@abstract", "postgresql://u:p@h/d?host=a,b", "postgresql://u:p@h/d?port=1,2",
        "postgresql://u:p@h/d?service=x", "postgresql://u:p@h/d?servicefile=/x", "postgresql://u:p@h/d?passfile=/x",
        "postgresql://u:p@h/d?sslkey=/x", "postgresql://u:p@h/d?sslcert=/x", "postgresql://u:p@h/d?sslrootcert=/x",
        "postgresql://u:p@h/d?sslcrl=/x", "postgresql://u:p@h/d?options=-c%20x",
        "postgresql://u:p@h/d?hostaddr=10.0.0.1",
        "postgresql://u:p@h/d?target_session_attrs=any", "postgresql://u:p@h/d?krbsrvname=x",
        "postgresql://u:p@h/d?requirepeer=x", "postgresql://u:p@h/d?replication=true",
        "postgresql://u:p@h/d?load_balance_hosts=random", "postgresql://u:p@h/d?sslkeylogfile=/x",
        "postgresql://u:p@h/d?oauth_issuer=x", "postgresql://u:p@h/d?SSLMODE=require", "postgresql://u:p@h/d?=x",
        "host=/tmp user=u", "user=u dbname=d", "host=h user=u service=x", "host=h hostaddr=10.0.0.1 user=u",
        "host=h user=u passfile=/x",
    ]
}

extension PostgresLogin {
    fileprivate var text: String {
        user + (password.map { ":\($0)" } ?? "") + "@\(host):\(port)/\(database) \(tlsMode.rawValue)"
            + (requiresChannelBinding ? " bound" : "")
    }
}
