import HTTPTypes
import LosslessJSON

/// What readiness asks. Each throws when its part cannot serve.
package struct HealthChecks: Sendable {
    let store: @Sendable () async throws -> Void
    let vault: @Sendable () async throws -> Void
    /// Whether nothing is refreshed, revoked or delivered until the operator says so. What is asked for is served.
    let isPaused: @Sendable () -> Bool

    package init(
        store: @escaping @Sendable () async throws -> Void, vault: @escaping @Sendable () async throws -> Void,
        isPaused: @escaping @Sendable () -> Bool = { false }
    ) {
        self.isPaused = isPaused
        self.store = store
        self.vault = vault
    }
}

/// Operations for machines beside the API.
extension API {
    func serviceRoutes(_ metrics: Metrics) -> [Route] {
        [
            .open("/health/live", "get_health_live", live),
            .open("/health/ready", "get_health_ready", ready),
            .open("/metrics", "get_metrics") { _ in
                .text(Array(metrics.text.utf8), type: "text/plain; version=0.0.4; charset=utf-8")
            },
            .open("/openapi.json", "get_openapi") { _ in OpenAPIDocument.answer },
        ]
    }

    /// Answers without touching anything.
    private func live(_: OpenCall) async throws -> Answer {
        .json { json in
            json.object { json in
                json.key("status")
                json.value("ok")
            }
        }
    }

    private func ready(_: OpenCall) async throws -> Answer {
        let store = await Self.passes(health.store)
        let vault = await Self.passes(health.vault)
        let isReady = store && vault
        return .json(isReady ? .ok : .serviceUnavailable) { json in
            json.object { json in
                json.key("status")
                json.value(isReady ? "ready" : "unavailable")
                json.key("paused")
                json.value(health.isPaused())
                json.key("checks")
                json.object { json in
                    json.key("store")
                    json.value(store ? "ok" : "failed")
                    json.key("vault")
                    json.value(vault ? "ok" : "failed")
                }
            }
        }
    }

    private static func passes(_ check: () async throws -> Void) async -> Bool {
        do {
            try await check()
            return true
        } catch {
            return false
        }
    }
}

/// The document that the API is described by, as it was written.
enum OpenAPIDocument {
    static let answer = Answer.text(PackageResources.openapi_json, type: "application/json")
}
