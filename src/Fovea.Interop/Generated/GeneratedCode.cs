using System.CodeDom.Compiler;

[assembly: GeneratedCode("ClangSharp", "22.1.8.0")]
