import AsyncHTTPClient
import NIOCore
import NIOHTTPCompression

enum Exchange {
    /// The deadline holds to the last byte of the body, and cancelling the task ends the exchange.
    static func run(
        _ hop: Hop, on client: HTTPClient, until deadline: NIODeadline
    ) async -> Result<EgressResponse, ExchangeFailure> {
        let request = try? HTTPClient.Request(
            url: hop.target.url, method: hop.method, headers: hop.headers, body: hop.body.map { .byteBuffer($0) })
        guard let request else { return .failure(ExchangeFailure(.invalidURL, .none)) }
        let collector = ResponseCollector(
            method: hop.method, limit: hop.maxResponseSize, isComplete: hop.isComplete)
        do {
            let task = client.execute(request: request, delegate: collector, deadline: deadline)
            let response = try await withTaskCancellationHandler {
                try await task.get()
            } onCancel: {
                task.cancel()
            }
            return .success(response)
        } catch is ResponseCollector.Enough {
            return .success(collector.response)
        } catch let error as HTTPClientError where error == .bodyLengthMismatch && collector.phase == .answering {
            // A refusal came before the request's body was on its way, which the client holds back then and takes for too
            // short. The refusal stands, although the end of its own body may be missing.
            return .success(collector.response)
        } catch let error as NIOHTTPDecompression.ExtraDecompressionError
            where error == .truncatedData && collector.hasNoBody
        {
            // A response without a body may still say how it would be compressed.
            return .success(collector.response)
        } catch {
            return .failure(
                ExchangeFailure(error, in: collector.phase, deadline: deadline, isCancelled: Task.isCancelled))
        }
    }
}
