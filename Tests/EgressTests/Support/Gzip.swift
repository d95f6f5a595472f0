/// Writes gzip without compressing, and bombs that compress as well as deflate can.
enum Gzip {
    private static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF]

    /// One stored block; at most 65,535 bytes.
    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        let count = UInt16(bytes.count)
        return header + [1] + littleEndian(count) + littleEndian(~count) + bytes + littleEndian(crc32(bytes))
            + littleEndian(UInt32(bytes.count))
    }

    /// One endless block that makes 258 zeros of every 13 bits.
    static func bomb(_ size: Int) -> [UInt8] {
        var bits = BitWriter()
        bits.write(0b011, 3)  // the last block, fixed codes
        bits.writeCode(0b0011_0000, 8)  // the literal 0
        for _ in 0..<16 {
            bits.writeCode(0b1100_0101, 8)  // a length of 258
            bits.writeCode(0, 5)  // at a distance of 1
        }
        // Eight such pairs are thirteen bytes, which repeat from the third byte on.
        let pairs = Array(repeatElement(bits.bytes[2..<15], count: size / 258 / 8).joined())
        return header + bits.bytes[..<2] + pairs
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~0) { crc, byte in
            (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in crc >> 1 ^ (crc & 1 == 1 ? 0xEDB8_8320 : 0) }
        }
    }

    private static func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian) { Array($0) }
    }

    private struct BitWriter {
        private(set) var bytes: [UInt8] = []
        private var used = 0

        mutating func write(_ value: Int, _ count: Int) {
            for bit in 0..<count { append(value >> bit & 1) }
        }

        /// Huffman codes begin with their highest bit.
        mutating func writeCode(_ value: Int, _ count: Int) {
            for bit in (0..<count).reversed() { append(value >> bit & 1) }
        }

        private mutating func append(_ bit: Int) {
            if used % 8 == 0 { bytes.append(0) }
            bytes[bytes.count - 1] |= UInt8(bit << (used % 8))
            used += 1
        }
    }
}
