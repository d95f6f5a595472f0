import Synchronization

/// Bounds how often a workspace may have the service look at hosts of its choice: what is left of a burst refills with time.
package final class TestQuota: Sendable {
    private struct Bucket {
        var left: Double
        var at: Timestamp
    }

    private let burst: Double
    private let perSecond: Double
    private let buckets = Mutex<[WorkspaceID: Bucket]>([:])

    package init(burst: Int = 30, perSecond: Double = 1) {
        self.burst = Double(burst)
        self.perSecond = perSecond
    }

    /// Throws `DomainError.tooMany` where nothing is left.
    package func take(_ workspace: WorkspaceID, at now: Timestamp) throws {
        let wait: Double? = buckets.withLock { buckets in
            var bucket = buckets[workspace] ?? Bucket(left: burst, at: now)
            let elapsed = Double(max(0, now.microseconds - bucket.at.microseconds)) / 1e6
            bucket.left = min(burst, bucket.left + elapsed * perSecond)
            bucket.at = max(now, bucket.at)
            defer {
                // A full one says nothing.
                if buckets.count > 10_000 { buckets = buckets.filter { $0.value.at.advanced(bySeconds: 60) > now } }
                buckets[workspace] = bucket
            }
            guard bucket.left >= 1 else { return (1 - bucket.left) / perSecond }
            bucket.left -= 1
            return nil
        }
        guard let wait else { return }
        throw DomainError.tooMany(
            "Too many tests in this workspace: try again in a moment", retryAfter: max(1, Int(wait.rounded(.up))))
    }
}
