using System.Net;
using System.Net.Sockets;
using Bal.Domain.Config;
using Bal.Domain.Primitives;
using Bal.Infrastructure.Systemd;
using Bal.Integration.DataPlane;
using LanguageExt;

namespace Bal.Integration.Systemd;

/// <summary>Which service a socket of the service manager is for.</summary>
public sealed class ActivatedSocketsSpecs
{
    [Fact]
    public void The_variables_give_each_socket_its_name_and_concern_one_process_only()
    {
        string? Variable(string name) => name switch
        {
            "LISTEN_PID" => "42",
            "LISTEN_FDS" => "3",
            "LISTEN_FDNAMES" => "a:b",
            _ => null,
        };

        Assert.Equal(
            Prelude.Array(new ActivatedSocket(3, "a"), new ActivatedSocket(4, "b"), new ActivatedSocket(5, "")),
            ActivatedSockets.Announced(Variable, 42));
        Assert.Empty(ActivatedSockets.Announced(Variable, 43));
    }

    [Fact]
    public void A_name_decides_and_without_one_the_address_does()
    {
        using var first = Listening();
        using var second = Listening();
        var (a, b) = (ServiceOn("a", new Host.Name("localhost"), first),
            ServiceOn("b", new Host.Address(IPAddress.Loopback), second));

        var assigned = Assigned(
            Prelude.Array(a, b), new ActivatedSocket((int)second.Handle, "bal.socket"), new ActivatedSocket(
                (int)first.Handle, "a"));
        Assert.Equal([("b", (int)second.Handle), ("a", (int)first.Handle)], assigned);
    }

    [Fact]
    public void Several_sockets_of_one_service_are_all_its_own()
    {
        using var one = Listening();
        using var other = Listening("127.0.0.2", PortOf(one));
        var service = ServiceOn("a", new Host.Address(IPAddress.Loopback), one);
        service = service with
        {
            Listener = service.Listener with
            {
                Addresses = service.Listener.Addresses.Add(new Host.Address(IPAddress.Parse("127.0.0.2"))),
            },
        };

        Assert.Equal(2, Assigned(
            Prelude.Array(service), new ActivatedSocket((int)one.Handle, "a"), new ActivatedSocket(
                (int)other.Handle, "a")).Count);
    }

    [Fact]
    public void A_socket_that_does_not_fit_the_service_it_names_is_an_error_that_names_both()
    {
        using var first = Listening();
        using var second = Listening();
        var services = Prelude.Array(
            ServiceOn("a", new Host.Address(IPAddress.Loopback), first),
            ServiceOn("b", new Host.Address(IPAddress.Loopback), second));

        var why = ActivatedSockets.Assign(
            LivePlane.ConfigOf(1) with { Services = services },
            Prelude.Array(new ActivatedSocket((int)first.Handle, "b"))).Match(Right: _ => "", Left: p =>
                p.WhatHappened);
        Assert.Contains($"127.0.0.1:{PortOf(first)}", why);
        Assert.Contains($"service b listens on 127.0.0.1:{PortOf(second)}", why);
    }

    private static List<(string, int)> Assigned(Arr<Service> services, params ActivatedSocket[] sockets) =>
        ActivatedSockets.Assign(LivePlane.ConfigOf(1) with { Services = services }, new(sockets)).Match(
            Right: all => all.SelectMany(s => s.Sockets.Select(fd => (s.Service.Name, fd))).ToList(),
            Left: problem => throw new InvalidOperationException(problem.ToText()));

    private static Service ServiceOn(string name, Host host, Socket socket) => LivePlane.ConfigOf(1).Services[0] with
    {
        Name = name,
        Listener = new Listener(host, PortOf(socket)),
    };

    private static int PortOf(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    private static Socket Listening(string address = "127.0.0.1", int port = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), port));
        socket.Listen(1);
        return socket;
    }
}
