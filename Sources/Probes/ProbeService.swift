package import Connections
package import Egress

/// Looks at the other side of connections, each the way its integration says.
package struct ProbeService: Prober {
    private let egress: Egress
    private let now: @Sendable () -> Timestamp
    private let s3: S3Probe
    private let azureBlob: AzureBlobProbe
    private let postgresql: PostgreSQLProbe

    package init(egress: Egress, now: @escaping @Sendable () -> Timestamp) {
        self.egress = egress
        self.now = now
        s3 = S3Probe(egress: egress, now: now)
        azureBlob = AzureBlobProbe(egress: egress, now: now)
        postgresql = PostgreSQLProbe(egress: egress, now: now)
    }

    package func probe(_ target: ProbeTarget) async -> ProbeReport {
        switch target.integration.probe {
        case nil: Examination(of: target, egress: egress, now: now).undecided(.nothingToTest).report
        case .request(let test): await RequestProbe(egress: egress, now: now).report(on: target, test)
        case .models(let listing): await ModelsProbe(egress: egress, now: now).report(on: target, listing)
        case .mcp: await MCPProbe(egress: egress, now: now).report(on: target)
        case .s3: await s3.report(on: target)
        case .azureBlob: await azureBlob.report(on: target)
        case .postgresql: await postgresql.report(on: target)
        case .config: await ConfigProbe(egress: egress, now: now).report(on: target)
        }
    }

    package func hiddenOrigin(of target: ProbeTarget) -> String? {
        guard case .postgresql = target.integration.probe else { return nil }
        return (try? PostgresLogin(data: target.data, config: target.config)).map {
            "postgresql://\($0.host):\($0.port)"
        }
    }
}
