using System.IO.Hashing;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Control;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>A part of the state with the digest of its text.</summary>
internal sealed record Part<T>(T Of, ulong Digest) where T : class
{
    /// <summary>
    /// The part that <paramref name="value"/> is. One that is the very same object as before is not written again: a
    /// step changes one backend, and there may be thousands.
    /// </summary>
    public static Part<T> Next(Codec<T> codec, T value, Part<T>? before) =>
        before is not null && ReferenceEquals(before.Of, value)
            ? before
            : new(value, XxHash3.HashToUInt64(CanonicalJson.Bytes(json => codec.Write(json, value))));
}

/// <summary>The parts of a service, so that a step costs what it changes.</summary>
internal sealed record ServiceParts(
    ServiceState Of, Part<Service> Config, Map<int, Part<BackendState>> Backends, ulong Digest)
{
    public static ServiceParts Next(ServiceState service, ServiceParts? before)
    {
        if (before is not null && ReferenceEquals(before.Of, service))
            return before;
        var config = Part<Service>.Next(ConfigCodec.Service, service.Config, before?.Config);
        var backends = service.Backends.Map((place, backend) => Part<BackendState>.Next(
            BackendCodec.Backend, backend, before?.Backends.Find(place).MatchUnsafe(part => part, () => null)));

        // What remains once these parts are taken out is written as it is, so that no member is ever forgotten.
        var rest = service with { Config = Blank, Backends = Map<int, BackendState>.Empty };
        var digest = Digests.Of(
            CanonicalJson.Bytes(json => StateCodec.Service.Write(json, rest)),
            backends.Values.Select(part => part.Digest).Prepend(config.Digest));
        return new(service, config, backends, digest);
    }

    private static readonly Service Blank = new(
        "", new Listener(new Primitives.Host.Name(""), 0), Method.RoundRobin, Arr<BackendConfig>.Empty, Tuning.For(1));
}

/// <summary>How digests are combined.</summary>
internal static class Digests
{
    /// <summary>The digest of a text and of the digests of the parts that belong into it.</summary>
    public static ulong Of(ReadOnlySpan<byte> text, IEnumerable<ulong> parts)
    {
        var hash = new XxHash3();
        hash.Append(text);
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        foreach (var part in parts)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(bytes, part);
            hash.Append(bytes);
        }

        return hash.GetCurrentHashAsUInt64();
    }
}
