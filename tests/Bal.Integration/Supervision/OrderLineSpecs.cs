using Bal.Domain.Reports;
using Bal.Infrastructure.Hosting;
using LanguageExt;

namespace Bal.Integration.Supervision;

/// <summary>Orders about backends as lines of the control socket.</summary>
public sealed class OrderLineSpecs
{
    public static TheoryData<OrderRequest, string> Lines => new()
    {
        { new(OrderKind.Drain, "web/1"), "drain web/1" },
        { new(OrderKind.Drain, "web/1") { Force = true }, "drain web/1 force" },
        { new(OrderKind.Drain, "web/1") { ResetAfter = new Duration(5_000) }, "drain web/1 reset 5000" },
        {
            new(OrderKind.Drain, "web/1") { ResetAfter = new Duration(0), Force = true }, "drain web/1 reset 0 force"
        },
        { new(OrderKind.Enable, "10.0.0.1:80"), "enable 10.0.0.1:80" },
        { new(OrderKind.EnableAll, ""), "enable --all" },
        { new(OrderKind.Weight, "2") { Weight = 256 }, "weight 2 256" },
        { new(OrderKind.Weight, "2") { Weight = Option<int>.None, Force = true }, "weight 2 default force" },
        { new(OrderKind.Look, "[::1]:80"), "override [::1]:80" },
    };

    [Theory]
    [MemberData(nameof(Lines))]
    public void What_is_written_is_read_back(OrderRequest request, string line)
    {
        Assert.Equal(line, OrderLine.Of(request));
        Assert.Equal(Option<OrderRequest>.Some(request), OrderLine.Read(line));
    }

    [Theory]
    [InlineData("drain")]
    [InlineData("drain ")]
    [InlineData("drain web/1 ")]
    [InlineData("drain web/1 force force")]
    [InlineData("drain web/1 force reset 5")]
    [InlineData("drain web/1 reset -1")]
    [InlineData("drain web/1 reset 99999999999999")]
    [InlineData("enable --all force")]
    [InlineData("weight web/1")]
    [InlineData("weight web/1 257")]
    [InlineData("weight web/1 1 yes")]
    [InlineData("drain\tweb/1")]
    public void Anything_else_is_no_order(string line) => Assert.True(OrderLine.Read(line).IsNone);
}
