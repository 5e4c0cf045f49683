using Bal.Domain.Admission;
using FsCheck;
using FsCheck.Xunit;

namespace Bal.Domain.Specs.Admission;

/// <summary>Services share descriptors without starving each other.</summary>
public class DescriptorShareSpecs
{
    [Property]
    public void A_service_is_assured_of_its_limit_or_of_its_part_of_one_half(
        PositiveInt limit, ushort total, PositiveInt services)
    {
        var assured = DescriptorShare.Assured(limit.Get, total, services.Get);

        Assert.Equal(Math.Min(limit.Get, total / 2 / services.Get), assured);
    }

    [Property]
    public void What_is_assured_and_what_is_shared_make_up_the_whole_and_half_is_shared(
        ushort total, NonEmptyArray<PositiveInt> limits)
    {
        var assured = limits.Get.Sum(limit => (long)DescriptorShare.Assured(limit.Get, total, limits.Get.Length));
        var shared = DescriptorShare.Shared(total, assured);

        Assert.Equal(total, assured + shared);
        Assert.True(shared >= total / 2);
    }

    [Property]
    public void A_single_service_can_use_every_place(ushort total)
    {
        var assured = DescriptorShare.Assured(int.MaxValue, total, 1);

        Assert.Equal(total, assured + DescriptorShare.Shared(total, assured));
    }

    [Property]
    public void Whatever_the_others_do_a_service_gets_what_it_is_assured_of(
        byte total, NonEmptyArray<PositiveInt> limits, NonEmptyArray<int> comings)
    {
        var process = new Process(total, [.. limits.Get.Select(limit => limit.Get)]);
        foreach (var coming in comings.Get)
        {
            var service = (int)((uint)coming / 2 % process.Open.Length);
            if (coming % 2 == 0)
                process.Leave(service);
            else
                Assert.True(process.Admit(service) || process.Open[service] >= process.Assured[service]);

            Assert.True(process.Open.Sum() <= total);
            Assert.Equal(process.Borrowed.Sum(), process.Used);
            // Nobody keeps a shared place that it does not need.
            Assert.All(process.Open.Zip(process.Borrowed, process.Assured), s =>
                Assert.Equal(Math.Max(0, s.First - s.Third), s.Second));
        }
    }

    /// <summary>The rule carried out by one loop.</summary>
    private sealed class Process
    {
        private readonly int[] limits;
        private readonly long shared;

        public Process(long total, int[] limits)
        {
            this.limits = limits;
            Assured = [.. limits.Select(limit => DescriptorShare.Assured(limit, total, limits.Length))];
            shared = DescriptorShare.Shared(total, Assured.Sum());
            (Open, Borrowed) = (new int[limits.Length], new int[limits.Length]);
        }

        public int[] Assured { get; }

        public int[] Open { get; }

        public int[] Borrowed { get; }

        public int Used { get; private set; }

        public bool Admit(int service)
        {
            if (!AdmissionRule.Admits(Open[service], limits[service]))
                return false;
            if (DescriptorShare.NeedsShared(Open[service], Assured[service], Borrowed[service]))
            {
                if (Used >= shared)
                    return false;
                (Used, Borrowed[service]) = (Used + 1, Borrowed[service] + 1);
            }

            Open[service]++;
            return true;
        }

        public void Leave(int service)
        {
            if (Open[service] == 0)
                return;
            Open[service]--;
            while (DescriptorShare.ReturnsShared(Open[service], Assured[service], Borrowed[service]))
                (Used, Borrowed[service]) = (Used - 1, Borrowed[service] - 1);
        }
    }
}
