using Bal.EndToEnd.Servers;

namespace Bal.EndToEnd.Clients;

/// <summary>curl through bal, over HTTP and over TLS that bal does not touch.</summary>
public sealed class CurlTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Curl_gets_a_large_file_whole_over_HTTP_and_over_TLS(int threads)
    {
        await using var nginx = await NginxServer.Start();
        await using var plain = await BalInstance.Healthy(output, BalFile.For(nginx.Port).With("threads", threads));
        await using var tls = await BalInstance.Healthy(output, BalFile.For(nginx.TlsPort).With("threads", threads));

        await Gets(nginx, plain, "http");
        // The certificate is nginx's own: were bal in between, curl would refuse it.
        await Gets(nginx, tls, "https");

        // Many requests on one connection, and many connections at once.
        var urls = Enumerable.Repeat($"http://127.0.0.1:{plain.File.Port}/large", 20);
        (await Command.Run("curl", ["-sf", "--parallel", "--parallel-max", "10", .. urls.SelectMany(u =>
            new[] { "-o", "/dev/null", u })])).Succeeds();
        var status = await plain.SeeStatus("all connections have ended", s => s.Active == 0);
        Assert.InRange(status.Backends[0].BytesOut, 21L * nginx.Content.Length, 21L * nginx.Content.Length + 50_000);
    }

    private static async Task Gets(NginxServer nginx, BalInstance bal, string scheme)
    {
        var target = Path.Combine(bal.Home, "got");
        (await Command.Run("curl", "-sSf", "--cacert", nginx.Certificate, "-o", target,
            $"{scheme}://127.0.0.1:{bal.File.Port}/large")).Succeeds();
        var got = await File.ReadAllBytesAsync(target);
        Assert.True(nginx.Content.AsSpan().SequenceEqual(got), "the file differs");
    }
}
