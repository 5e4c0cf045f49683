using Mono.Cecil;

namespace Bal.Lean;

/// <summary>The types and methods of the module by name. One that is missing ends the build.</summary>
internal sealed class Names(ModuleDefinition module)
{
    public ModuleDefinition Module => module;

    public TypeDefinition Type(string name) =>
        module.GetType(name) ?? throw new InvalidOperationException($"no type {name} in {module.Name}");

    public MethodDefinition Method(string type, string name, string? parameter = null) =>
        Type(type).Methods.Single(m => m.Name == name && !m.HasOverrides
            && (parameter is null || (m.Parameters.Count == 1 && m.Parameters[0].ParameterType.FullName == parameter))
            && m.GenericParameters.Count == (type == "LanguageExt.Prelude" ? 1 : 0));

    public static GenericInstanceType Of(TypeReference type, params GenericParameter[] arguments)
    {
        var made = new GenericInstanceType(type);
        foreach (var argument in arguments)
            made.GenericArguments.Add(argument);
        return made;
    }

    /// <summary>That method of an instance of its generic type.</summary>
    public static MethodReference On(MethodDefinition method, TypeReference type)
    {
        var on = new MethodReference(method.Name, method.ReturnType, type) { HasThis = method.HasThis };
        foreach (var parameter in method.Parameters)
            on.Parameters.Add(new ParameterDefinition(parameter.ParameterType));
        return on;
    }

    /// <summary>A new exception of that name in System.</summary>
    public MethodReference Thrown(string exception)
    {
        var type = new TypeReference("System", exception, module, module.TypeSystem.CoreLibrary);
        return new MethodReference(".ctor", module.TypeSystem.Void, type) { HasThis = true };
    }

    /// <summary>EqualityComparer{A}.Default or Comparer{A}.Default.</summary>
    public MethodReference DefaultOf(string comparer, TypeReference element)
    {
        var open = Open(comparer);
        var of = new GenericInstanceType(open);
        of.GenericArguments.Add(open.GenericParameters[0]);
        return new MethodReference("get_Default", of, Made(open, element));
    }

    /// <summary>A method of such a comparer that takes that many elements.</summary>
    public MethodReference Asked(
        string comparer, string method, int parameters, TypeReference returns, TypeReference element)
    {
        var open = Open(comparer);
        var asked = new MethodReference(method, returns, Made(open, element)) { HasThis = true };
        for (var i = 0; i < parameters; i++)
            asked.Parameters.Add(new ParameterDefinition(open.GenericParameters[0]));
        return asked;
    }

    /// <summary>new List{A}(IEnumerable{A}).</summary>
    public MethodReference NewList(TypeReference element, TypeReference items)
    {
        var open = Open("List`1");
        var of = new GenericInstanceType(((GenericInstanceType)items).ElementType);
        of.GenericArguments.Add(open.GenericParameters[0]);
        var made = new MethodReference(".ctor", module.TypeSystem.Void, Made(open, element)) { HasThis = true };
        made.Parameters.Add(new ParameterDefinition(of));
        return made;
    }

    /// <summary>List{A}.ToArray().</summary>
    public MethodReference ListToArray(TypeReference element)
    {
        var open = Open("List`1");
        var array = new ArrayType(open.GenericParameters[0]);
        return new MethodReference("ToArray", array, Made(open, element)) { HasThis = true };
    }

    /// <summary>Invoke of such a Func{T, bool}.</summary>
    public MethodReference Predicate(TypeReference type)
    {
        var parameters = ((GenericInstanceType)type).ElementType.GenericParameters;
        var invoke = new MethodReference("Invoke", parameters[1], type) { HasThis = true };
        invoke.Parameters.Add(new ParameterDefinition(parameters[0]));
        return invoke;
    }

    private TypeReference Open(string comparer)
    {
        var open = new TypeReference("System.Collections.Generic", comparer, module, module.TypeSystem.CoreLibrary);
        open.GenericParameters.Add(new GenericParameter(open));
        return open;
    }

    private static GenericInstanceType Made(TypeReference open, TypeReference element)
    {
        var made = new GenericInstanceType(open);
        made.GenericArguments.Add(element);
        return made;
    }
}
