using System.Net;
using System.Reflection;
using Bal.Domain.Admission;
using Bal.Domain.Backend;
using Bal.Domain.Config;
using Bal.Domain.Control;
using Bal.Domain.Messages;
using Bal.Domain.Primitives;
using LanguageExt;

namespace Bal.Domain.Specs.Recording;

/// <summary>
/// Values of any type of the core, found by reflection: one sample with every member filled in, and one value for every
/// single thing that could be different about it. A member that somebody adds is among them by itself.
/// </summary>
internal static class Shapes
{
    public static IReadOnlyList<T> Of<T>() where T : notnull => [.. Variants(typeof(T)).Cast<T>()];

    private static List<object> Variants(Type type) =>
        type == typeof(bool) ? [false, true]
        : type == typeof(int) ? [7, 8]
        : type == typeof(long) ? [7L, 8L]
        : type == typeof(string) ? ["abc", "abd"]
        // Within the range of every key that is a time.
        : type == typeof(Duration) ? [new Duration(3_007), new Duration(3_008)]
        : type == typeof(IPAddress) ? [IPAddress.Parse("10.0.0.1"), IPAddress.Parse("::1")]
        : type.IsEnum ? [.. Enum.GetValues(type).Cast<object>()]
        : IsA(type, typeof(Option<>)) ? Options(type)
        : IsA(type, typeof(Arr<>)) ? Lists(type)
        : IsA(type, typeof(Map<,>)) ? Maps(type)
        // What its files had is not carried: whoever takes it over reads them again.
        : type == typeof(AccessList) ? [List("10.0.0.0/8", "/a"), List("10.0.0.0/9", "/a"), List("10.0.0.0/8", "/b")]
        : type == typeof(TrustedPeers)
            ? [Peers("10.0.0.0/8", true), Peers("10.0.0.0/9", true), Peers("10.0.0.0/8", false)]
        : type == typeof(WebAddress)
            ? [
                new WebAddress.Tcp(new Endpoint(new Host.Address(IPAddress.Loopback), 7)),
                new WebAddress.Tcp(new Endpoint(new Host.Address(IPAddress.IPv6Any), 7)), new WebAddress.Unix("/w"),
            ]
        : type == typeof(Host)
            ? [
                new Host.Address(IPAddress.Parse("10.0.0.1")), new Host.Address(IPAddress.Parse("::1")),
                new Host.Name("abc"), new Host.Name("abd"),
            ]
        // A path has no port.
        : type == typeof(Endpoint) ? [.. Record(type), Endpoint.Unix("/a"), Endpoint.Unix("/b")]
        // What belongs to another type than its own is not written, nor are the bytes of what is said.
        : type == typeof(HealthCheck) ? [.. Checks.Cast<object>()]
        : type == typeof(Octets) ? [Octets.Of("a\r"u8), Octets.Of("b"u8)]
        // It follows from the rest of a state, so a sample of it would contradict that.
        : type == typeof(StateIndex) ? [StateIndex.Empty]
        : type.IsAbstract ? [.. Cases(type).SelectMany(Variants)]
        : Record(type);

    private static IEnumerable<HealthCheck> Checks =>
    [
        new(CheckType.Tcp),
        new(CheckType.TcpFull),
        new(CheckType.Tcp) { Port = 7 },
        .. new[]
        {
            new ExchangeStep(Secret.Of(Octets.Of("a"u8)), Octets.Of("b"u8), false),
            new ExchangeStep(Secret.Of(Octets.Of("aa"u8)), Octets.Of("b"u8), false),
            new ExchangeStep(Secret.In("/a"), Octets.Of("b"u8), false),
            new ExchangeStep(Secret.Of(Octets.Of("a"u8)), Octets.Of("c\0"u8), false),
            new ExchangeStep(Secret.Of(Octets.Of("a"u8)), Octets.Of("b"u8), true),
            new ExchangeStep(Option<Secret>.None, Octets.Of("b"u8), true),
            new ExchangeStep(Secret.Of(Octets.Of("a"u8)), Option<Octets>.None, false),
        }.Select(step => new HealthCheck(CheckType.Exchange) { Exchange = Prelude.Array(step, step) }),
        .. new[]
        {
            HttpQuestion.Default,
            new HttpQuestion("/a"),
            HttpQuestion.Default with { Query = Secret.Of(Octets.Of("a"u8)) },
            HttpQuestion.Default with { Method = "HEAD" },
            HttpQuestion.Default with { Host = "a" },
            HttpQuestion.Default with { Status = Prelude.Array(200, 503) },
        }.Select(http => new HealthCheck(CheckType.Http) { Http = http }),
    ];

    private static AccessList List(string network, string file) => new(
        Network.Read(network).Match(Right: one => NetworkSet.Of([one]), Left: _ => NetworkSet.Empty),
        Prelude.Array(file), NetworkSet.Empty);

    private static TrustedPeers Peers(string network, bool unix) => new(List(network, "/a").Given, unix);

    private static List<object> Options(Type type)
    {
        var some = type.GetMethod("Some", BindingFlags.Public | BindingFlags.Static)!;
        return [.. Variants(Item(type)).Select(v => some.Invoke(null, [v])!), type.GetField("None")!.GetValue(null)!];
    }

    private static List<object> Lists(Type type)
    {
        var items = Variants(Item(type));
        return [.. items.Select(v => List(type, v)), List(type, items[0], items[0])];
    }

    // The key of a service is its identity, that of a backend its place.
    private static List<object> Maps(Type type)
    {
        var items = Variants(type.GetGenericArguments()[1]);
        return [.. items.Select(v => Map(type, v))];
    }

    private static object Map(Type type, object item)
    {
        var key = item is ServiceState service ? service.Id.Value : 7;
        return type.GetMethod("Add", [typeof(int), item.GetType()])!.Invoke(
            Activator.CreateInstance(type), [key, item])!;
    }

    private static object List(Type type, params object[] items)
    {
        var array = System.Array.CreateInstance(Item(type), items.Length);
        for (var i = 0; i < items.Length; i++)
            array.SetValue(items[i], i);
        return Activator.CreateInstance(type, array)!;
    }

    private static List<object> Record(Type type)
    {
        var values = Members(type).ToDictionary(p => p.Name, p => Variants(p.PropertyType));
        var sample = New(type, values.ToDictionary(v => v.Key, v => v.Value[0]));
        return
        [
            sample,
            .. values.SelectMany(member => member.Value.Skip(1).Select(other => New(
                type, values.ToDictionary(v => v.Key, v => v.Key == member.Key ? other : v.Value[0])))),
        ];
    }

    private static object New(Type type, Dictionary<string, object> members)
    {
        var constructor = type.GetConstructors().OrderByDescending(c => c.GetParameters().Length).First();
        var made = constructor.Invoke([.. constructor.GetParameters().Select(p => members[p.Name!])]);
        foreach (var member in Members(type))
            member.SetValue(made, members[member.Name]);
        return made;
    }

    private static IEnumerable<PropertyInfo> Members(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p =>
            // Since when a problem is there is for reports to say, by the wall clock, which the core does not have.
            p.SetMethod is { IsPublic: true } && p != typeof(Problem).GetProperty(nameof(Problem.Since)));

    private static IEnumerable<Type> Cases(Type union) =>
        union.GetNestedTypes().Where(t => !t.IsAbstract && union.IsAssignableFrom(t));

    private static bool IsA(Type type, Type generic) =>
        type.IsGenericType && type.GetGenericTypeDefinition() == generic;

    private static Type Item(Type type) => type.GetGenericArguments()[0];
}
