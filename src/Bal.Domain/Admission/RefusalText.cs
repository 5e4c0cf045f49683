using Bal.Domain.Primitives;

namespace Bal.Domain.Admission;

/// <summary>Why a client got no service, in the words of the log and of <c>bal status</c>.</summary>
/// <param name="What">What stood in the way.</param>
/// <param name="WhyLikely">The likely cause.</param>
/// <param name="DoThisNow">What helps.</param>
public sealed record RefusalText(string What, string WhyLikely, string DoThisNow)
{
    /// <summary>The words for a reason.</summary>
    public static RefusalText Of(Refusal reason) => reason switch
    {
        Refusal.Limit => new(
            "the limit of concurrent connections was reached",
            "there are more clients than planned, or clients keep idle connections open",
            "raise max_concurrent_connections and run 'bal graceful', or lower connection_idle_timeout_ms"),
        Refusal.Descriptors => new(
            "no file descriptor was left",
            "each connection takes two, and the limit of open files of this process or of the machine is reached",
            "raise the limit (LimitNOFILE= in the systemd unit, 'ulimit -n' in a shell) and restart bal, or lower "
            + "max_concurrent_connections"),
        Refusal.BackendsUnavailable => new(
            "every backend failed, or there was none to try",
            "the backends are down, refuse connections or do not answer in time",
            "run 'bal doctor', which connects to each backend now and says what happens"),
        Refusal.LocalPorts => new(
            "no local port was left to connect to a backend from",
            "each connection to the same backend takes one port of net.ipv4.ip_local_port_range; or this machine does "
            + "not have the addresses of source_addresses",
            "run 'sudo sysctl -w net.ipv4.ip_local_port_range=\"10000 65000\"', or add source_addresses or backends"),
        Refusal.NoRoute => new(
            "this machine has no route to any backend, or is not allowed to connect to it",
            "a route is missing or prohibits it, an address family is disabled or without source_addresses, or a "
            + "firewall here blocks it",
            "run 'ip route get ADDRESS' for the address of a backend, and look at this machine's firewall"),
        Refusal.KernelMemory => new(
            "the kernel had no memory for another connection",
            "net.ipv4.tcp_mem, the memory of a cgroup or the memory of the machine is used up",
            "lower max_concurrent_connections, or give the machine or the service more memory"),
        Refusal.KernelRefusal => new(
            "the kernel refused a system call that a connection needs",
            "a sandbox (seccomp, SystemCallFilter=) forbids it, or a kernel limit such as fs.epoll.max_user_watches "
            + "is reached",
            "run 'bal doctor', and compare the sandbox with packaging/systemd/bal.service"),
        Refusal.Denied => new(
            "allow or deny excludes its address",
            "the lists are meant to, or a network of friends is missing in allow or covered by deny",
            "nothing, or change the lists and run 'bal reload'"),
        Refusal.QueueFull => new(
            "every usable backend was full, and the queue as well",
            "connections come faster than the backends' max_connections lets them end, or queue_limit is 0",
            "raise max_connections where the backend can take more, or add backends; queue_limit says how many may "
            + "wait"),
        Refusal.QueueTimeout => new(
            "every usable backend was full for the whole of queue_timeout_ms",
            "connections are open for long, and there are more clients than the backends' max_connections allows",
            "raise max_connections where the backend can take more, or add backends; a higher queue_timeout_ms lets "
            + "clients wait for longer"),
        Refusal.ClientLimit => new(
            "the client had max_connections_per_client connections",
            "a client does not close its connections, or many users share one address (a NAT or a proxy)",
            "nothing, or raise max_connections_per_client and run 'bal reload'; for clients behind a proxy, "
            + "proxy_protocol.accept_from tells them apart"),
        Refusal.ClientRate => new(
            "the client connected more often than max_connection_rate_per_client",
            "a client connects anew for each request or retries without a pause, or many users share one address",
            "nothing, or raise max_connection_rate_per_client and run 'bal reload'; for clients behind a proxy, "
            + "proxy_protocol.accept_from tells them apart"),
        Refusal.ProxyHeader => new(
            "the connection did not begin with a valid PROXY header within 3 s",
            "the proxy in proxy_protocol.accept_from does not send one, or something else connects from its address",
            "turn the PROXY protocol on there (HAProxy: send-proxy-v2; nginx: proxy_protocol on), or take its address "
            + "out of accept_from"),
        Refusal.ServerName => new(
            "no service on this address has the name that the client asked for in TLS",
            "the client asked for another name or for none, as scanners do, or a name is missing in server_names",
            "nothing, or add the name to the server_names of a service and run 'bal reload'; a service without "
            + "server_names takes all the others"),
        _ => new(
            "accepting a client failed",
            "the kernel has no memory for another socket, or a sandbox forbids accept4(2)",
            "lower max_concurrent_connections or give the service more memory; compare the sandbox with "
            + "packaging/systemd/bal.service"),
    };

    /// <summary>One sentence for the log.</summary>
    /// <param name="reason">Why.</param>
    /// <param name="count">How many clients.</param>
    /// <param name="where">Names the service, with a space before it; empty where there is one.</param>
    public static string Sentence(Refusal reason, long count, string where) =>
        $"{Plural.Of(count, "client")}{where} not served: {Of(reason).What}; {Of(reason).DoThisNow}";
}
