using Bal.Domain.Backend;
using Bal.Domain.Balancing;
using LanguageExt;

namespace Bal.Domain.Recording;

/// <summary>The form of a routing table.</summary>
internal static class TableCodec
{
    public static readonly Codec<Arr<System.Net.IPAddress>> Addresses = Codec.List(Scalar.Address);
}
