import HTTPTypes
import NIOCore
import NIOHTTPTypes

/// Moves a date of ours into the `Date` header. The server sets that header after every handler and middleware, so
/// nothing above the channel can.
final class SkewedDate: ChannelOutboundHandler, RemovableChannelHandler {
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data), let date = head.headerFields[.simulatedDate] else {
            return context.write(data, promise: promise)
        }
        head.headerFields[.simulatedDate] = nil
        head.headerFields[.date] = date
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}

extension HTTPField.Name {
    // swift-format-ignore: NeverForceUnwrap
    static let simulatedDate = HTTPField.Name("X-Simulated-Date")!
    // swift-format-ignore: NeverForceUnwrap
    static let retryAfter = HTTPField.Name("Retry-After")!
}

extension Instant {
    /// As RFC 9110, 5.6.7 writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
    var httpDate: String {
        func padded(_ number: Int) -> String { (number < 10 ? "0" : "") + String(number) }
        let days = Int(Int64(unixSeconds).dividedTowardsPast(by: 86_400))
        let second = unixSeconds - days * 86_400
        // Howard Hinnant's civil_from_days: years begin in March, so that the leap day comes last.
        let shifted = days + 719_468
        let era = Int(Int64(shifted).dividedTowardsPast(by: 146_097))
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + era * 400 + (month >= 10 ? 1 : 0)
        let weekday = ((days % 7) + 11) % 7
        return "\(Self.weekdays[weekday]), \(padded(day)) \(Self.months[month]) \(year) "
            + "\(padded(second / 3_600)):\(padded(second / 60 % 60)):\(padded(second % 60)) GMT"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    /// From March.
    private static let months = ["Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan", "Feb"]
}
