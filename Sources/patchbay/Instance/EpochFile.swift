import CLinux
import Connections

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The epoch outside the store, in a file that tells where it belongs: a copy of the whole data folder brings the file along,
/// and shows by that.
struct EpochFile {
    /// What is known of the place where the file is. What a system does not tell is compared with nothing.
    private struct Place {
        /// When the file came into being.
        let birth: Int64?
        let machine: String?

        init(birth: Int64?, machine: String?) {
            self.birth = birth
            self.machine = machine
        }

        init(of descriptor: Int32) {
            let birth = patchbay_birth_time(descriptor)
            self.init(birth: birth < 0 ? nil : birth, machine: Self.machineID)
        }

        /// As systemd tells machines apart. A container has its image's, which says nothing of where it runs.
        private static var machineID: String? {
            let marks = ["/.dockerenv", "/run/.containerenv"]
            let isContainer = marks.contains { access($0, F_OK) == 0 }
            guard !isContainer, let text = PrivateFile.read("/etc/machine-id") else { return nil }
            let id = text.prefix { $0.isHexDigit }
            return id.count == 32 ? String(id) : nil
        }

        var text: String { "\(birth.map(String.init) ?? "-") \(machine ?? "-")" }

        func agrees(with other: Place) -> Bool {
            (birth == nil || other.birth == nil || birth == other.birth)
                && (machine == nil || other.machine == nil || machine == other.machine)
        }
    }

    enum Finding: Equatable {
        case missing
        case epoch(InstanceEpoch)
        /// The file was made elsewhere than it is, or is none of ours.
        case foreign
    }

    let path: String

    init(dataDirectory: String) {
        path = dataDirectory + "/instance-epoch"
    }

    func read() throws -> Finding {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else {
            guard errno == ENOENT else { throw SystemError("read", path) }
            return .missing
        }
        defer { close(file) }
        let words = (PrivateFile.read(path) ?? "").split { $0 == " " || $0 == "\n" }.map(String.init)
        guard words.count == 3 else { return .foreign }
        let kept = Place(birth: Int64(words[1]), machine: words[2] == "-" ? nil : words[2])
        return kept.agrees(with: Place(of: file)) ? .epoch(InstanceEpoch(kept: words[0])) : .foreign
    }

    func write(_ epoch: InstanceEpoch) throws {
        try PrivateFile.write(to: path) { "\(epoch.text) \(Place(of: $0).text)\n" }
    }
}

/// Whether a store is what it was when it was last served here.
enum InstanceStanding: Equatable {
    case original
    /// Why it is taken for a copy.
    case copy(String)

    var reason: String? {
        if case .copy(let reason) = self { reason } else { nil }
    }

    /// Compares the store's epoch with the file's; an instance that has neither yet is given one.
    static func find(store: any Store, file: EpochFile, ambient: Ambient) async throws -> InstanceStanding {
        let (stored, wasServed) = try await store.write { tx in
            (try InstanceEpoch.stored(tx), try tx.setting(Bootstrap.flag) != nil)
        }
        switch (stored, try file.read()) {
        case (let epoch?, .epoch(let kept)) where epoch == kept: return .original
        // Nobody has been served from it, so it is nobody's copy: a first start may have ended in between.
        case (nil, .missing),
            _ where !wasServed:
            let epoch = InstanceEpoch(ambient)
            try file.write(epoch)
            try await store.write { try epoch.store($0) }
            return .original
        case (nil, _): return .copy("the store has no epoch and \(file.path) is there")
        case (_, .missing): return .copy("\(file.path) is missing")
        case (_, .foreign): return .copy("\(file.path) was made elsewhere, or is damaged")
        case (_, .epoch): return .copy("the store's epoch is not the one in \(file.path)")
        }
    }
}
