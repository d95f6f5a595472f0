/// Who consented. Everything follows from the login, so any login is an account.
struct Account {
    let login: String

    var subject: String { "acct_" + login }
    var email: String { login + "@simulator.example" }
    var name: String { login.prefix(1).uppercased() + login.dropFirst() }
}
