using System.Text;
using Bal.Cli;
using Bal.Domain.Reports;
using Bal.Infrastructure.Json;

namespace Bal.Fuzz.Targets;

/// <summary>What a daemon answers, which may be another version of bal or no bal at all.</summary>
internal static class AnswerTarget
{
    internal static void Run(byte[] bytes)
    {
        StatusJson.Read(bytes).Match(
            Right: report =>
            {
                _ = StatusText.Concise(report);
                _ = StatusText.Verbose(report);
                _ = report.Overall;
                Claim.That(StatusJson.Read(StatusJson.Write(report)).IsRight, "a status that is written can be read");
            },
            Left: why => Claim.That(why.Length > 0, "a refused answer has a reason"));
        ControlAnswer.Parse(Encoding.UTF8.GetString(bytes)).Match(
            Right: answer =>
            {
                _ = answer.ProblemOrNull();
                _ = answer.Flag("applied");
                _ = answer.Number("config_version");
                _ = answer.Member("protection_mode").Text("reason");
                _ = answer.Items("findings").Select(f => ControlAnswer.NumberOf(f, "line")).ToList();
            },
            Left: problem => Claim.That(problem.WhatHappened.Length > 0, "a refused answer has a reason"));
    }
}
