using Mono.Cecil;
using Mono.Cecil.Cil;

namespace Bal.Lean;

/// <summary>
/// Shorter bodies for a few methods of LanguageExt, which do the same for what bal keeps in its collections.
/// </summary>
/// <remarks>
/// LanguageExt finds equality, ordering and hashing of an element type by reflection and by names, and keeps them in
/// delegates. The native compiler cannot know which are used: each element type brought a hundred types along, twice
/// the rest of the program. Without instances to find (NativeSubstitutions.xml) the answer is always the comparer of
/// .NET, which these bodies ask directly.
/// </remarks>
internal static class LeanBodies
{
    public static void Replace(ModuleDefinition module)
    {
        var at = new Names(module);
        Equality(at);
        Arrays(at);
        ArrayHashes(at);
        NewArrays(at);
        Eithers(at);
        Exists(at);
        Options(at);
        string[] collections = ["LanguageExt.Arr`1", "LanguageExt.Map`2", "LanguageExt.Either`2"];
        foreach (var type in collections)
            Text(at, type);
        foreach (var type in collections.Append("LanguageExt.Option`1"))
            Unordered(at, type);
    }

    // default(EqDefault<A>), OrdDefault and HashableDefault ask .NET's comparers.
    private static void Equality(Names at)
    {
        const string Instances = "LanguageExt.ClassInstances.";
        foreach (var (type, method, comparer, asked) in new[]
                 {
                     ("EqDefault`1", "Equals", "EqualityComparer`1", "Equals"),
                     ("OrdDefault`1", "Compare", "Comparer`1", "Compare"),
                     ("HashableDefault`1", "GetHashCode", "EqualityComparer`1", "GetHashCode"),
                 })
        {
            var body = at.Method(Instances + type, method);
            var il = Empty(body);
            var element = body.DeclaringType.GenericParameters[0];
            il.Emit(OpCodes.Call, at.DefaultOf(comparer, element));
            for (var i = 1; i <= body.Parameters.Count; i++)
                il.Emit(i == 1 ? OpCodes.Ldarg_1 : OpCodes.Ldarg_2);
            il.Emit(OpCodes.Callvirt, at.Asked(comparer, asked, body.Parameters.Count, body.ReturnType, element));
            il.Emit(OpCodes.Ret);
        }

        // A boxed null is null, of a Nullable too.
        var isNull = at.Method("LanguageExt.Prelude", "isnull");
        var test = Empty(isNull);
        test.Emit(OpCodes.Ldarg_0);
        test.Emit(OpCodes.Box, isNull.GenericParameters[0]);
        test.Emit(OpCodes.Ldnull);
        test.Emit(OpCodes.Ceq);
        test.Emit(OpCodes.Ret);
    }

    // Equal lengths, and each element equal to the other's, by EqDefault.
    private static void Arrays(Names at)
    {
        var equals = at.Method("LanguageExt.Arr`1", "Equals", "LanguageExt.Arr`1<A>");
        var element = equals.DeclaringType.GenericParameters[0];
        var self = Names.Of(equals.DeclaringType, element);
        var value = Names.On(at.Method("LanguageExt.Arr`1", "get_Value"), self);
        var il = Empty(equals);
        var mine = Local(equals, new ArrayType(element));
        var theirs = Local(equals, new ArrayType(element));
        var i = Local(equals, at.Module.TypeSystem.Int32);
        var next = il.Create(OpCodes.Ldloc, i);
        var loop = il.Create(OpCodes.Call, at.DefaultOf("EqualityComparer`1", element));
        var no = il.Create(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Call, value);
        il.Emit(OpCodes.Stloc, mine);
        il.Emit(OpCodes.Ldarga, equals.Parameters[0]);
        il.Emit(OpCodes.Call, value);
        il.Emit(OpCodes.Stloc, theirs);
        il.Emit(OpCodes.Ldloc, mine);
        il.Emit(OpCodes.Ldlen);
        il.Emit(OpCodes.Ldloc, theirs);
        il.Emit(OpCodes.Ldlen);
        il.Emit(OpCodes.Bne_Un, no);
        il.Emit(OpCodes.Br, next);
        il.Append(loop);
        Element(il, mine, i, element);
        Element(il, theirs, i, element);
        il.Emit(OpCodes.Callvirt, at.Asked("EqualityComparer`1", "Equals", 2, at.Module.TypeSystem.Boolean, element));
        il.Emit(OpCodes.Brfalse, no);
        il.Emit(OpCodes.Ldloc, i);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, i);
        il.Append(next);
        il.Emit(OpCodes.Ldloc, mine);
        il.Emit(OpCodes.Ldlen);
        il.Emit(OpCodes.Conv_I4);
        il.Emit(OpCodes.Blt, loop);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Ret);
        il.Append(no);
        il.Emit(OpCodes.Ret);
    }

    // Of each element's hash.
    private static void ArrayHashes(Names at)
    {
        const int Basis = -2128831035;
        const int Prime = 16777619;
        var hash = at.Method("LanguageExt.Arr`1", "GetHashCode");
        var element = hash.DeclaringType.GenericParameters[0];
        var il = Empty(hash);
        var array = Local(hash, new ArrayType(element));
        var (i, sum) = (Local(hash, at.Module.TypeSystem.Int32), Local(hash, at.Module.TypeSystem.Int32));
        var next = il.Create(OpCodes.Ldloc, i);
        var loop = il.Create(OpCodes.Call, at.DefaultOf("EqualityComparer`1", element));
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Call, Names.On(
            at.Method("LanguageExt.Arr`1", "get_Value"), Names.Of(hash.DeclaringType, element)));
        il.Emit(OpCodes.Stloc, array);
        il.Emit(OpCodes.Ldc_I4, Basis);
        il.Emit(OpCodes.Stloc, sum);
        il.Emit(OpCodes.Br, next);
        il.Append(loop);
        Element(il, array, i, element);
        il.Emit(
            OpCodes.Callvirt,
            at.Asked("EqualityComparer`1", "GetHashCode", 1, at.Module.TypeSystem.Int32, element));
        il.Emit(OpCodes.Ldloc, sum);
        il.Emit(OpCodes.Xor);
        il.Emit(OpCodes.Ldc_I4, Prime);
        il.Emit(OpCodes.Mul);
        il.Emit(OpCodes.Stloc, sum);
        il.Emit(OpCodes.Ldloc, i);
        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Stloc, i);
        il.Append(next);
        il.Emit(OpCodes.Ldloc, array);
        il.Emit(OpCodes.Ldlen);
        il.Emit(OpCodes.Conv_I4);
        il.Emit(OpCodes.Blt, loop);
        il.Emit(OpCodes.Ldloc, sum);
        il.Emit(OpCodes.Ret);
    }

    // By List{A}, of which fewer types follow than of Enumerable.ToArray.
    private static void NewArrays(Names at)
    {
        var make = at.Method("LanguageExt.Arr`1", ".ctor", "System.Collections.Generic.IEnumerable`1<A>");
        var element = make.DeclaringType.GenericParameters[0];
        var self = Names.Of(make.DeclaringType, element);
        var il = Empty(make);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Stfld, new FieldReference("hashCode", at.Module.TypeSystem.Int32, self));
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Newobj, at.NewList(element, make.Parameters[0].ParameterType));
        il.Emit(OpCodes.Call, at.ListToArray(element));
        il.Emit(OpCodes.Stfld, new FieldReference("value", new ArrayType(element), self));
        il.Emit(OpCodes.Ret);
    }

    private static void Element(ILProcessor il, VariableDefinition array, VariableDefinition index, TypeReference type)
    {
        il.Emit(OpCodes.Ldloc, array);
        il.Emit(OpCodes.Ldloc, index);
        il.Emit(OpCodes.Ldelem_Any, type);
    }

    // The same side, and equal values there. What a side does not hold is default, equal to itself.
    private static void Eithers(Names at)
    {
        const string Either = "LanguageExt.Either`2";
        var equals = at.Method(Either, "Equals", "LanguageExt.Either`2<L,R>");
        var type = equals.DeclaringType;
        var (left, right) = (type.GenericParameters[0], type.GenericParameters[1]);
        var self = Names.Of(type, left, right);
        FieldReference Field(string name)
        {
            var found = type.Fields.Single(f => f.Name == name);
            return new FieldReference(name, found.FieldType, self);
        }

        var il = Empty(equals);
        var no = il.Create(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldfld, Field("State"));
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Ldfld, Field("State"));
        il.Emit(OpCodes.Bne_Un, no);
        foreach (var (field, of) in new[] { ("left", left), ("right", right) })
        {
            il.Emit(OpCodes.Call, at.DefaultOf("EqualityComparer`1", of));
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldfld, Field(field));
            il.Emit(OpCodes.Ldarg_1);
            il.Emit(OpCodes.Ldfld, Field(field));
            il.Emit(OpCodes.Callvirt, at.Asked("EqualityComparer`1", "Equals", 2, at.Module.TypeSystem.Boolean, of));
            il.Emit(OpCodes.Brfalse, no);
        }

        il.Emit(OpCodes.Ldc_I4_1);
        il.Emit(OpCodes.Ret);
        il.Append(no);
        il.Emit(OpCodes.Ret);

        // Calls the other one.
        var boxed = at.Method(Either, "Equals", "System.Object");
        il = Empty(boxed);
        no = il.Create(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Isinst, self);
        il.Emit(OpCodes.Brfalse, no);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Unbox_Any, self);
        il.Emit(OpCodes.Call, Names.On(equals, self));
        il.Emit(OpCodes.Ret);
        il.Append(no);
        il.Emit(OpCodes.Ret);

        var hash = at.Method(Either, "GetHashCode");
        il = Empty(hash);
        foreach (var (field, of) in new[] { ("left", left), ("right", right) })
        {
            il.Emit(OpCodes.Call, at.DefaultOf("EqualityComparer`1", of));
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Ldfld, Field(field));
            il.Emit(OpCodes.Callvirt, at.Asked("EqualityComparer`1", "GetHashCode", 1, at.Module.TypeSystem.Int32, of));
        }

        il.Emit(OpCodes.Xor);
        il.Emit(OpCodes.Ret);
    }

    // Right, and the predicate holds.
    private static void Exists(Names at)
    {
        const string Either = "LanguageExt.Either`2";
        var exists = at.Method(Either, "Exists", "System.Func`2<R,System.Boolean>");
        var right = exists.DeclaringType.GenericParameters[1];
        var self = Names.Of(exists.DeclaringType, exists.DeclaringType.GenericParameters[0], right);
        var il = Empty(exists);
        var no = il.Create(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Call, Names.On(at.Method(Either, "get_IsRight"), self));
        il.Emit(OpCodes.Brfalse, no);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldfld, new FieldReference("right", right, self));
        il.Emit(OpCodes.Callvirt, at.Predicate(exists.Parameters[0].ParameterType));
        il.Emit(OpCodes.Ret);
        il.Append(no);
        il.Emit(OpCodes.Ret);
    }

    // An array of the value, or none.
    private static void Options(Names at)
    {
        const string Option = "LanguageExt.Option`1";
        var each = at.Method(Option, "AsEnumerable");
        var element = each.DeclaringType.GenericParameters[0];
        var self = Names.Of(each.DeclaringType, element);
        var il = Empty(each);
        var array = Local(each, new ArrayType(element));
        var done = il.Create(OpCodes.Ldloc, array);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldfld, new FieldReference("isSome", at.Module.TypeSystem.Boolean, self));
        il.Emit(OpCodes.Newarr, element);
        il.Emit(OpCodes.Stloc, array);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldfld, new FieldReference("isSome", at.Module.TypeSystem.Boolean, self));
        il.Emit(OpCodes.Brfalse, done);
        il.Emit(OpCodes.Ldloc, array);
        il.Emit(OpCodes.Ldc_I4_0);
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldfld, new FieldReference("Value", element, self));
        il.Emit(OpCodes.Stelem_Any, element);
        il.Append(done);
        il.Emit(OpCodes.Ret);
    }

    // bal prints no collection.
    private static void Text(Names at, string type)
    {
        var il = Empty(at.Method(type, "ToString"));
        il.Emit(OpCodes.Ldstr, type);
        il.Emit(OpCodes.Ret);
    }

    // bal orders by no collection.
    private static void Unordered(Names at, string type)
    {
        foreach (var method in at.Type(type).Methods.Where(m => m.Name == "CompareTo"))
        {
            var il = Empty(method);
            il.Emit(OpCodes.Newobj, at.Thrown("NotSupportedException"));
            il.Emit(OpCodes.Throw);
        }
    }

    private static ILProcessor Empty(MethodDefinition method)
    {
        method.Body = new MethodBody(method) { InitLocals = true };
        return method.Body.GetILProcessor();
    }

    private static VariableDefinition Local(MethodDefinition method, TypeReference type)
    {
        var local = new VariableDefinition(type);
        method.Body.Variables.Add(local);
        return local;
    }
}
