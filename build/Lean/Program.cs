using Bal.Lean;
using Mono.Cecil;

// lean IN OUT: writes LanguageExt.Core.dll with the bodies of LeanBodies, for the native compilation alone.
using var assembly = AssemblyDefinition.ReadAssembly(args[0]);
LeanBodies.Replace(assembly.MainModule);
assembly.Write(args[1]);
