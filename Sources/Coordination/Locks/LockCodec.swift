/// The stored form of an acquire. Format version first.
public enum LockCodec {
    /// Stored bytes of an acquire, without its serial, which is its key. The lease is the one that
    /// was claimed: renewals are not written.
    public static func encode(_ acquire: LockAcquire) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.byte(1)
        writer.string(acquire.claim.owner)
        writer.string(acquire.claim.purpose)
        writer.signed(acquire.claim.leaseMillis)
        writer.signed(acquire.grantedMillis)
        writer.array(Array(zip(acquire.claim.wishes, acquire.tokens))) { writer, part in
            writer.string(part.0.resource)
            writer.byte(part.0.mode.rawValue)
            writer.unsigned(part.1)
        }
        return writer.bytes
    }

    /// An acquire from its stored bytes.
    public static func decode(
        _ bytes: [UInt8], serial: UInt64
    ) throws(CodecError) -> LockAcquire {
        var reader = ByteReader(bytes)
        _ = try reader.version(newest: 1)
        let owner = try reader.string()
        let purpose = try reader.string()
        let lease = try reader.signed()
        let granted = try reader.signed()
        var wishes: [LockWish] = []
        var tokens: [UInt64] = []
        for _ in 0..<(try reader.count()) {
            let resource = try reader.string()
            let code = try reader.byte()
            guard let mode = LockMode(rawValue: code) else {
                throw CodecError("a lock of mode \(code)", at: 1)
            }
            wishes.append(LockWish(resource, mode))
            tokens.append(try reader.unsigned())
        }
        return LockAcquire(
            serial: serial,
            claim: LockClaim(wishes: wishes, owner: owner, leaseMillis: lease, purpose: purpose),
            tokens: tokens, grantedMillis: granted)
    }
}
