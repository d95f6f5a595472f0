/// Bounds of one probe.
struct ProbeLimits: Sendable {
    /// For one request, with its answer.
    var request = Duration.seconds(15)
    /// For all of a probe, by its depth.
    var full = Duration.seconds(30)
    var brief = Duration.seconds(10)
    /// In bytes, after decompression.
    var answerSize = 1 << 20
}
