namespace Bal.Domain.Backend;

/// <summary>How a backend is asked whether it is well.</summary>
/// <param name="Type">What is done.</param>
public sealed record HealthCheck(CheckType Type)
{
    /// <summary>The check where the file says nothing.</summary>
    public static readonly HealthCheck Default = new(CheckType.Tcp);
}

/// <summary>The kinds of health check.</summary>
public enum CheckType
{
    /// <summary>A connect that is reset before its handshake completes: the server does not notice it.</summary>
    Tcp,

    /// <summary>A whole connection, closed at once by a FIN.</summary>
    TcpFull,
}
