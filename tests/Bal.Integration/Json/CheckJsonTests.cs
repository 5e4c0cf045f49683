using System.Text;
using System.Text.Json;
using Bal.Domain.Config;
using Bal.Domain.Reports;
using Bal.Infrastructure.Config;
using Bal.Infrastructure.Json;

namespace Bal.Integration.Json;

/// <summary>The JSON of <c>bal check</c> that scripts rely on.</summary>
public class CheckJsonTests
{
    [Fact]
    public void Findings_are_listed_with_their_place_and_once_more_as_plain_strings()
    {
        using var json = Write("port: 0\nbackends:\n  - host: a\n    port: 80\n");
        var root = json.RootElement;

        Assert.Equal("/c.yaml", root.GetProperty("config_path").GetString());
        Assert.Equal(1, root.GetProperty("backend_count").GetInt32());
        Assert.Equal("/c.yaml:1:7: port: expected an integer from 1 to 65535, found 0",
            Assert.Single(root.GetProperty("errors").EnumerateArray().ToList()).GetString());
        var warning = Assert.Single(root.GetProperty("warnings").EnumerateArray().ToList()).GetString();
        Assert.StartsWith("/c.yaml:1:1: bind_address is 0.0.0.0 (the default)", warning);
        var error = root.GetProperty("findings").EnumerateArray().Single(f =>
            f.GetProperty("severity").GetString() == "error");
        Assert.Equal(["severity", "code", "path", "line", "column", "message", "hint"],
            error.EnumerateObject().Select(p => p.Name));
        Assert.Equal(("out_of_range", "port", 1, 7), (error.GetProperty("code").GetString(),
            error.GetProperty("path").GetString(), error.GetProperty("line").GetInt32(),
                error.GetProperty("column").GetInt32()));
    }

    [Fact]
    public void A_sound_file_has_empty_lists()
    {
        using var json = Write("bind_address: ::1\nbackends: [{host: a, port: 80}]\n");

        Assert.All(["errors", "warnings", "findings"],
            (string key) => Assert.Equal(0, json.RootElement.GetProperty(key).GetArrayLength()));
    }

    [Fact]
    public void A_problem_of_the_whole_file_has_no_line()
    {
        var outcome = ConfigLoader.Load("/nowhere/config.yaml", HostFacts.Unknown);
        using var json = JsonDocument.Parse(CheckJson.Write(CheckReport.Of(outcome, strict: false)));

        var finding = json.RootElement.GetProperty("findings")[0];
        Assert.Equal(JsonValueKind.Null, finding.GetProperty("line").ValueKind);
        Assert.Equal("file_missing", finding.GetProperty("code").GetString());
    }

    private static JsonDocument Write(string yaml)
    {
        var document = YamlReader.Read(Encoding.UTF8.GetBytes(yaml)).Match(d => d, f =>
            throw new Xunit.Sdk.XunitException(f.Message));
        var text = CheckJson.Write(new CheckReport("/c.yaml", ConfigValidation.Validate(document, HostFacts.Unknown),
            false));
        Assert.StartsWith("{\n  \"config_path\"", text);
        return JsonDocument.Parse(text);
    }
}
