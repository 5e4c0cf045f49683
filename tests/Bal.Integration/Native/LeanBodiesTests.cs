using System.Collections;
using System.Reflection;
using System.Runtime.Loader;
using Bal.Integration.Process;
using Bal.Lean;
using FsCheck.Xunit;
using LanguageExt;
using Mono.Cecil;

namespace Bal.Integration.Native;

/// <summary>
/// The native compilation replaces a few methods of LanguageExt (build/Lean). The assembly that it gets is loaded
/// beside the real one, and both are asked the same.
/// </summary>
public sealed class LeanBodiesTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly AssemblyLoadContext _context = new("lean", isCollectible: true);
    private readonly System.Reflection.Assembly _lean;

    public LeanBodiesTests()
    {
        var path = Path.Combine(_directory.Root, "LanguageExt.Core.dll");
        using (var assembly = AssemblyDefinition.ReadAssembly(typeof(Arr<>).Assembly.Location))
        {
            LeanBodies.Replace(assembly.MainModule);
            assembly.Write(path);
        }

        _lean = _context.LoadFromAssemblyPath(path);
    }

    public void Dispose()
    {
        _context.Unload();
        _directory.Dispose();
    }

    [Property]
    public void Lists_are_equal_where_their_elements_are(int?[] one, int?[] other, string?[] texts)
    {
        var (a, b) = (Arr(one), Arr(other));
        Assert.Equal(one.SequenceEqual(other), a.Equals(b));
        Assert.True(a.Equals(Arr([.. one])));
        Assert.Equal(a.GetHashCode(), Arr([.. one]).GetHashCode());
        Assert.True(Arr(texts).Equals(Arr([.. texts])));
        Assert.Equal(Arr(texts).GetHashCode(), Arr([.. texts]).GetHashCode());
        Assert.Equal(texts, ((IEnumerable)Arr(texts)).Cast<string?>());
        Assert.False(a.Equals(null));
        // One that was never made is empty.
        Assert.True(Activator.CreateInstance(a.GetType())!.Equals(Arr(System.Array.Empty<int?>())));
    }

    [Property]
    public void An_option_is_a_list_of_its_value_or_of_none(int value, bool some)
    {
        var option = Of("Option`1", [typeof(int)]);
        var it = some
            ? option.GetMethod("Some", [typeof(int)])!.Invoke(null, [value])!
            : Activator.CreateInstance(option)!;

        Assert.Equal(some ? [value] : [], ((IEnumerable)it).Cast<int>());
        Assert.Equal(some ? [value] : [], ((IEnumerable)option.GetMethod("AsEnumerable")!.Invoke(it, [])!).Cast<int>());
        Assert.Equal(!some, it.Equals(Activator.CreateInstance(option)));
    }

    [Property]
    public void Of_two_eithers_side_and_value_decide(int one, int other, bool isRight, bool isOtherRight, int than)
    {
        var either = Of("Either`2", [typeof(int), typeof(int)]);
        object Make(bool right, int value) => either
            .GetMethod(right ? "Right" : "Left", BindingFlags.Public | BindingFlags.Static, [typeof(int)])!
            .Invoke(null, [value])!;
        var (a, b) = (Make(isRight, one), Make(isOtherRight, other));

        Assert.Equal(isRight == isOtherRight && one == other, a.Equals(b));
        Assert.True(a.Equals(Make(isRight, one)));
        Assert.Equal(a.GetHashCode(), Make(isRight, one).GetHashCode());
        Assert.False(a.Equals("else"));
        Assert.Equal(isRight && one > than, either
            .GetMethod("Exists", [typeof(Func<int, bool>)])!.Invoke(a, [(Func<int, bool>)(value => value > than)]));
    }

    [Property]
    public void A_map_is_ordered_by_its_keys_as_ever(string[] keys)
    {
        var distinct = keys.Where(key => key is not null).Distinct().ToArray();
        var map = Of("Map`2", [typeof(string), typeof(int)]);
        var it = map.GetField("Empty")!.GetValue(null)!;
        foreach (var key in distinct)
            it = map.GetMethod("Add", [typeof(string), typeof(int)])!.Invoke(it, [key, key.Length])!;

        var real = distinct.Aggregate(Map<string, int>.Empty, (all, key) => all.Add(key, key.Length));
        Assert.Equal(real.Keys, ((IEnumerable)map.GetProperty("Keys")!.GetValue(it)!).Cast<string>());
        foreach (var key in distinct)
            Assert.Equal(true, map.GetMethod("ContainsKey", [typeof(string)])!.Invoke(it, [key]));
    }

    // Whatever prints or orders a collection would not do so natively: the assemblies are searched for it.
    [Theory]
    [InlineData("Bal.Domain.dll")]
    [InlineData("Bal.Application.dll")]
    [InlineData("Bal.Infrastructure.dll")]
    [InlineData("bal.dll")]
    public void Bal_prints_no_collection_and_orders_by_none(string file)
    {
        using var module = ModuleDefinition.ReadModule(Path.Combine(AppContext.BaseDirectory, file));
        // What records say of themselves is for tests and debuggers.
        var found = module.GetTypes()
            .SelectMany(type => type.Methods)
            .Where(method => method.HasBody && method.Name != "PrintMembers")
            .SelectMany(method => method.Body.Instructions
                .Where(IsForbidden)
                .Select(instruction => $"{method.FullName}: {instruction.Operand}"));

        Assert.Empty(found);
    }

    private static bool IsForbidden(Mono.Cecil.Cil.Instruction instruction) => IsForbidden(instruction.Operand)
        || (instruction.OpCode.Code == Mono.Cecil.Cil.Code.Constrained
            && IsCollection((TypeReference)instruction.Operand)
            && instruction.Next.Operand is MethodReference { Name: "ToString" });

    private static bool IsForbidden(object? operand) => operand is MethodReference called
        && ((IsOrdered(called.DeclaringType) && called.Name is "CompareTo")
            || (called is GenericInstanceMethod generic && (called.Name switch
            {
                "AppendFormatted" or "Join" or "Append" => generic.GenericArguments.Any(IsCollection),
                "OrderBy" or "OrderByDescending" or "ThenBy" or "ThenByDescending" or "MinBy" or "MaxBy" or "Order" =>
                    IsOrdered(generic.GenericArguments[^1]),
                _ => false,
            })));

    private static bool IsCollection(TypeReference type) => type is GenericInstanceType
    {
        ElementType.FullName: "LanguageExt.Arr`1" or "LanguageExt.Map`2" or "LanguageExt.Either`2",
    };

    private static bool IsOrdered(TypeReference type) => IsCollection(type)
        || type is GenericInstanceType { ElementType.FullName: "LanguageExt.Option`1" };

    private object Arr<T>(T[] items) =>
        Activator.CreateInstance(Of("Arr`1", [typeof(T)]), (IEnumerable<T>)new List<T>(items))!;

    private Type Of(string name, Type[] arguments) =>
        _lean.GetType("LanguageExt." + name, throwOnError: true)!.MakeGenericType(arguments);
}
