using System.Net;
using Bal.Domain.Balancing;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using Bal.Domain.Specs.Generators;
using FsCheck;
using FsCheck.Xunit;
using LanguageExt;

namespace Bal.Domain.Specs.Balancing;

/// <summary>
/// <c>source_hash</c>: the client's address decides, the same on every machine; a backend that goes moves its own
/// clients and no others.
/// </summary>
public class SourceHashSpecs
{
    private const int Clients = 2_000;

    [Theory]
    [InlineData("192.0.2.1", 0)]
    [InlineData("::ffff:192.0.2.1", 0)]
    [InlineData("192.0.2.2", 1)]
    [InlineData("10.0.0.1", 2)]
    [InlineData("2001:db8::1", 3)]
    public void No_version_changes_the_hash(string client, int golden) =>
        Assert.Equal(Golden[golden], Hash.OfClient(IPAddress.Parse(client).GetAddressBytes()));

    [Fact]
    public void No_version_changes_the_table()
    {
        var selector = Of([Backend(1), Backend(2), Backend(3) with { Weight = 2 }]);
        Assert.Equal(
            GoldenChoices,
            string.Concat(Enumerable.Range(1, 40)
                .Select(i => PlaceFor(selector, Hash.OfClient([192, 0, 2, (byte)i])))));
    }

    [Property(MaxTest = 30)]
    public void The_order_of_the_file_does_not_matter(PositiveInt seed)
    {
        var backends = Backends(seed.Get);
        var there = Choices(Of(backends));
        var mixed = Choices(Of(backends.OrderBy(backend => Hash.Mix((ulong)backend.Endpoint.Port * (ulong)seed.Get))));
        Assert.Equal(there, mixed);
    }

    [Property(MaxTest = 30)]
    public void A_backend_that_goes_moves_its_clients_alone_and_has_them_again(PositiveInt seed)
    {
        var table = Tables.Of(Method.SourceHash, Backends(1 + (seed.Get % 39)));
        var gone = table.Up[seed.Get % table.Up.Count];
        var before = Choices(Selector.Of(table, Option<Selector>.None));
        var without = Choices(Selector.Of(
            table with { Up = table.Up.Filter(route => route.Id != gone.Id) }, Option<Selector>.None));

        for (var i = 0; i < Clients; i++)
        {
            if (before[i] == gone.Endpoint)
                Assert.NotEqual(gone.Endpoint, without[i]);
            else
                Assert.Equal(before[i], without[i]);
        }
    }

    [Property(MaxTest = 30)]
    public void A_change_of_the_configured_set_moves_at_most_two_percent_of_the_others(PositiveInt seed)
    {
        var backends = Backends(seed.Get);
        var (before, after) = (Slots(backends), Slots([.. backends, Backend(9_999)]));
        var moved = before.Zip(after).Count(pair => pair.Item2 != "9999" && pair.Item1 != pair.Item2);

        Assert.InRange(moved / (double)SourceHash.Slots, 0, 0.02);
    }

    [Property(MaxTest = 30)]
    public void Shares_are_within_two_percent_of_the_weights(PositiveInt seed)
    {
        var backends = Backends(seed.Get);
        var sum = backends.Sum(backend => backend.Weight);
        var got = Slots(backends).GroupBy(port => port).ToDictionary(group => group.Key, group => group.Count());
        foreach (var backend in backends)
        {
            var due = SourceHash.Slots * (double)backend.Weight / sum;
            if (due >= 500)
                Assert.InRange(got[$"{backend.Endpoint.Port}"] / due, 0.98, 1.02);
        }
    }

    [Property(MaxTest = 20)]
    public void A_client_finds_every_backend_that_is_left(PositiveInt seed, ulong source)
    {
        var table = Tables.Of(Method.SourceHash, Backends(seed.Get));
        var selector = Selector.Of(table, Option<Selector>.None);
        var tried = new List<int>();
        while (selector.Next(new Attempt(0, tried.ToArray(), 0) { Source = source }) is { IsSome: true } next)
            next.IfSome(chosen => tried.Add(chosen.Route.Id.Value));

        Assert.Equal(table.Up.Select(route => route.Id.Value).Order(), tried.Order());
    }

    [Fact]
    public void The_table_is_kept_while_the_backends_are_the_same()
    {
        var table = Tables.Of(Method.SourceHash, Backends(7));
        var tables = HashTables.Of(table.Service.Backends, Option<HashTables>.None);
        var same = HashTables.Of(table.Service.Backends, tables);
        var withBackup = HashTables.Of(table.Service.Backends.Add(Backend(9_999) with { Backup = true }), tables);
        var withAnother = HashTables.Of(table.Service.Backends.Add(Backend(9_999)), tables);

        Assert.Same(tables.Primaries, same.Primaries);
        var checkedOtherwise = table.Service.Backends.Map(
            b => b with { HealthCheck = Domain.Backend.HealthCheck.Default });
        Assert.Same(tables.Primaries, HashTables.Of(checkedOtherwise, tables).Primaries);
        Assert.NotSame(tables.Primaries, HashTables.Of(
            table.Service.Backends.SetItem(0, table.Service.Backends[0] with { Weight = 17 }), tables).Primaries);
        Assert.Same(tables.Primaries, withBackup.Primaries);
        Assert.Same(withBackup.Backups, HashTables.Of(
            table.Service.Backends.Add(Backend(9_999) with { Backup = true }), withBackup).Backups);
        Assert.NotSame(tables.Primaries, withAnother.Primaries);
    }

    [Property(MaxTest = 10)]
    public void A_backup_moves_no_client_of_a_primary_and_backups_share_as_if_they_were_alone(ushort seed)
    {
        var (primaries, backups) = (Backends(3), Backends(5).Skip(3).Select(b => b with { Backup = true }).ToArray());
        var all = Tables.Of(Method.SourceHash, [.. primaries, .. backups]);
        var serving = Selector.Of(all with { Up = all.Up.Filter(r => !r.Config.Backup) }, Option<Selector>.None);
        var failed = Selector.Of(
            all with
            {
                Up = all.Up.Filter(r => r.Config.Backup),
                Down = all.Up.Filter(r => !r.Config.Backup),
            },
            serving);
        var (alone, only) = (Of([.. primaries]), Of([.. backups]));

        for (var client = 0; client < 200; client++)
        {
            var source = Hash.OfClient(BitConverter.GetBytes(seed + (client * 7_919)));
            Assert.Equal(First(alone), First(serving));
            Assert.Equal(First(only), First(failed));

            Endpoint First(Selector selector) =>
                selector.Next(new Attempt(0, [], 0) { Source = source })
                    .Match(c => c.Route.Endpoint, () => throw new InvalidOperationException());
        }
    }

    [Fact]
    public void Clients_without_an_address_take_turns()
    {
        var selector = Of([Backend(1), Backend(2), Backend(3)]);
        Assert.Equal(3, Enumerable.Range(0, 3)
            .Select(turn => selector.Next(new Attempt((ulong)turn, [], 0)).Match(c => c.Place, () => -1))
            .Distinct().Count());
    }

    private static readonly ulong[] Golden =
        [9_239_470_546_723_440_874, 6_897_259_565_193_820_123, 2_674_265_721_150_626_473, 10_226_596_326_310_564_623];

    private const string GoldenChoices = "1200222121202121220002212000221202202201";

    private static BackendConfig Backend(int port) =>
        new(new Endpoint(new Host.Address(IPAddress.Parse("10.0.0.1")), port));

    // Between 1 and 40 backends, of which a third have other weights than 1.
    private static BackendConfig[] Backends(int seed) => [.. Enumerable.Range(1, 1 + (seed % 40)).Select(i =>
        Backend(i) with { Weight = i % 3 == 0 ? 1 + ((seed * i) % 9) : 1 })];

    private static Selector Of(IEnumerable<BackendConfig> backends) =>
        Selector.Of(Tables.Of(Method.SourceHash, backends), Option<Selector>.None);

    private static int PlaceFor(Selector selector, ulong source) =>
        selector.Next(new Attempt(0, [], 0) { Source = source }).Match(c => c.Place, () => -1);

    private static Endpoint[] Choices(Selector selector) => [.. Enumerable.Range(0, Clients).Select(i =>
        selector.Table.Up[PlaceFor(selector, Hash.OfClient(BitConverter.GetBytes(i * 7_919)))].Endpoint)];

    private static string[] Slots(BackendConfig[] backends)
    {
        var table = new SlotTable(new Arr<BackendConfig>(backends));
        return [.. Enumerable.Range(0, SourceHash.Slots).Select(slot => $"{backends[table.At(slot)].Endpoint.Port}")];
    }
}
