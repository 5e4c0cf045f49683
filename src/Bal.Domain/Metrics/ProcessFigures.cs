using Bal.Domain.Reports;
using LanguageExt;

namespace Bal.Domain.Metrics;

/// <summary>What the kernel knows of the serving process; none where it does not say.</summary>
public sealed record ProcessFigures
{
    /// <summary>Nothing is known.</summary>
    public static readonly ProcessFigures Unknown = new();

    /// <summary>Its open file descriptors.</summary>
    public Option<double> OpenDescriptors { get; init; }

    /// <summary>How many it may have; infinite where there is no limit.</summary>
    public Option<double> MaxDescriptors { get; init; }

    /// <summary>Its resident memory in bytes.</summary>
    public Option<double> ResidentBytes { get; init; }

    /// <summary>The processor time that it has used, in seconds.</summary>
    public Option<double> CpuSeconds { get; init; }

    /// <summary>When it started, in seconds since 1970.</summary>
    public Option<double> StartedAtSeconds { get; init; }
}

/// <summary>What metrics are made of.</summary>
/// <param name="Report">What is reported of the services and backends.</param>
/// <param name="Process">What the kernel knows of the process.</param>
public sealed record MetricsView(StatusReport Report, ProcessFigures Process);
