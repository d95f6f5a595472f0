/// How a connection to an integration is tested.
package enum IntegrationProbe: Sendable {
    /// A request with the credential applied.
    case request(TestRequest)
    /// The list of models, in one of the three shapes there are.
    case models(ModelListing)
    /// Model Context Protocol, Streamable HTTP.
    case mcp
    case s3
    case azureBlob
    case postgresql
    /// A URL and an expectation that the config gives: `test_url`, `test_method`, `test_status` and `test_contains`.
    case config
}

package struct TestRequest: Sendable {
    /// What an error of the provider's own says of the credential.
    package enum Meaning: String, Sendable, CaseIterable {
        /// The credential is refused.
        case auth
        /// The grant is gone, and somebody has to authorize again.
        case grant
        /// The credential is good and may not do this.
        case scope
        /// It says nothing of the credential.
        case transient
    }

    /// A path under the base URL, or a whole https URL; config may be filled in.
    package let url: String
    package let method: String
    package let headers: [(name: String, value: String)]
    package let body: String?
    /// Marks an answer of 2xx as an error, for providers that say 200 to everything: a dotted path and its value as text.
    package let errorWhen: (path: String, equals: String)?
    /// The dotted path of the provider's code in an error.
    package let errorCode: String?
    /// What its codes mean, and what its HTTP statuses mean ("403").
    package let meanings: [String: Meaning]
    /// A dotted path that a good answer has: an answer without it comes from somebody else.
    package let expects: String?

    package init(
        url: String, method: String = "GET", headers: [(name: String, value: String)] = [], body: String? = nil,
        errorWhen: (path: String, equals: String)? = nil, errorCode: String? = nil, meanings: [String: Meaning] = [:],
        expects: String? = nil
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.errorWhen = errorWhen
        self.errorCode = errorCode
        self.meanings = meanings
        self.expects = expects
    }
}

package struct ModelListing: Sendable {
    package enum Shape: String, Sendable, CaseIterable { case openai, anthropic, mistral }

    package let shape: Shape
    /// A path under the base URL.
    package let path: String

    package init(shape: Shape, path: String) {
        self.shape = shape
        self.path = path
    }
}
