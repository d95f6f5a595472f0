/// How long matching may take at worst, by the pattern's text. The engine backtracks, and every workspace may bring
/// patterns of its own: what could hold up the others, or is not understood here, is refused.
struct PatternCost {
    /// Ways to match without regard to the value's length.
    private var choices = 1
    /// Repetitions without an upper bound, any of which multiplies the ways by the value's length.
    private var endless = 0
    /// Steps of the longest way, one for each endless repetition.
    private var size = 0

    private static let maxChoices = 256
    /// Each of them may walk the whole value.
    private static let maxEndlessChoices = 32
    private static let maxSize = 4_096

    /// Goes as deep as the pattern's brackets: bound its length first.
    static func isBounded(_ pattern: String) -> Bool {
        var rest = Array(pattern.unicodeScalars)[...]
        return alternatives(&rest) != nil && rest.isEmpty
    }

    private var checked: PatternCost? {
        let limit = endless == 0 ? Self.maxChoices : Self.maxEndlessChoices
        return choices <= limit && endless <= 1 && size <= Self.maxSize ? self : nil
    }

    // MARK: Reading

    /// Up to a closing bracket or the end.
    private static func alternatives(_ rest: inout ArraySlice<Unicode.Scalar>) -> PatternCost? {
        guard var sum = sequence(&rest) else { return nil }
        while rest.first == "|" {
            rest.removeFirst()
            guard let next = sequence(&rest) else { return nil }
            sum.choices += next.choices
            sum.endless = max(sum.endless, next.endless)
            sum.size = max(sum.size, next.size)
        }
        return sum.checked
    }

    private static func sequence(_ rest: inout ArraySlice<Unicode.Scalar>) -> PatternCost? {
        var sum = PatternCost()
        while let scalar = rest.first, scalar != "|", scalar != ")" {
            guard let atom = atom(&rest), let item = repeated(atom, &rest) else { return nil }
            sum.choices *= item.choices
            sum.endless += item.endless
            sum.size += item.size
            guard sum.checked != nil else { return nil }
        }
        return sum
    }

    private static func atom(_ rest: inout ArraySlice<Unicode.Scalar>) -> PatternCost? {
        switch rest.removeFirst() {
        case "(":
            if rest.first == "?" {
                guard rest.dropFirst().first == ":" else { return nil }
                rest.removeFirst(2)
            }
            let group = alternatives(&rest)
            return rest.popFirst() == ")" ? group : nil
        case "[": guard skipClass(&rest) else { return nil }
        case "\\": guard skipEscaped(&rest) else { return nil }
        case "*", "+", "?", "{", "}", "]": return nil
        default: break
        }
        return PatternCost(size: 1)
    }

    private init(size: Int = 0) { self.size = size }

    private static func skipClass(_ rest: inout ArraySlice<Unicode.Scalar>) -> Bool {
        if rest.first == "^" { rest.removeFirst() }
        guard rest.first != "]" else { return false }
        while let scalar = rest.popFirst() {
            switch scalar {
            case "]": return true
            case "[": return false
            case "\\": guard skipEscaped(&rest) else { return false }
            default: break
            }
        }
        return false
    }

    /// A mark that stands for itself, or a class of characters; no reference, no property, no code.
    private static func skipEscaped(_ rest: inout ArraySlice<Unicode.Scalar>) -> Bool {
        guard let scalar = rest.popFirst(), scalar.isASCII else { return false }
        return "dDwWsSnrt".unicodeScalars.contains(scalar) || !scalar.properties.isAlphabetic && !("0"..."9" ~= scalar)
    }

    // MARK: Repetition

    private static func repeated(_ item: PatternCost, _ rest: inout ArraySlice<Unicode.Scalar>) -> PatternCost? {
        let bounds: (min: Int, max: Int?)
        switch rest.first {
        case "*": bounds = (0, nil)
        case "+": bounds = (1, nil)
        case "?": bounds = (0, 1)
        case "{":
            guard let read = readBounds(&rest) else { return nil }
            bounds = read
        default: return item
        }
        rest.removeFirst()
        // Lazy or possessive: no more ways than else.
        if rest.first == "?" || rest.first == "+" { rest.removeFirst() }
        var product = item
        guard let max = bounds.max else {
            // Several ways to match one round make a power of the value's length.
            guard item.choices == 1, item.endless == 0 else { return nil }
            product.endless = 1
            product.size = item.size * Swift.max(bounds.min, 1)
            return product.checked
        }
        guard max >= bounds.min else { return nil }
        product.endless = item.endless * max
        product.size = item.size * max
        product.choices = max - bounds.min + 1
        for _ in 0..<max where item.choices > 1 {
            product.choices *= item.choices
            guard product.checked != nil else { return nil }
        }
        return product.checked
    }

    /// `{n}`, `{n,}`, `{,m}` or `{n,m}`; leaves the closing bracket.
    private static func readBounds(_ rest: inout ArraySlice<Unicode.Scalar>) -> (min: Int, max: Int?)? {
        rest.removeFirst()
        guard let end = rest.firstIndex(of: "}") else { return nil }
        let parts = rest[..<end].split(separator: ",", omittingEmptySubsequences: false)
            .map { String(String.UnicodeScalarView($0)) }
        rest = rest[end...]
        let numbers = parts.map { Int($0) }
        guard parts.count <= 2,
            zip(parts, numbers).allSatisfy({ $0.isEmpty || (0...maxSize).contains($1 ?? -1) })
        else { return nil }
        switch (numbers.count, numbers[0], numbers.last ?? nil) {
        case (1, let count?, _): return (count, count)
        case (2, let min?, let max): return (min, max)
        case (2, nil, let max?): return (0, max)
        default: return nil
        }
    }
}
