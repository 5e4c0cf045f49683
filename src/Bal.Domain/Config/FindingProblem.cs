using Bal.Domain.Messages;

namespace Bal.Domain.Config;

/// <summary>A finding in a file, said in the three lines that every problem of bal has.</summary>
public static class FindingProblem
{
    /// <summary>
    /// <c>file:line:column</c> as editors understand it; the file alone where the finding has no place.
    /// </summary>
    public static string Location(string file, Finding finding) => finding.At == SourcePosition.None
        ? file
        : $"{file}:{finding.At.Line}:{finding.At.Column}";

    /// <summary>One line: the place, the severity and the message.</summary>
    public static string Line(string file, Finding finding) =>
        $"{Location(file, finding)}: {Word(finding.Severity)}: {finding.Message}";

    /// <summary>The word of a severity in text and JSON.</summary>
    public static string Word(Severity severity) => severity == Severity.Error ? "error" : "warning";

    /// <summary>The three lines; the first one begins with the place.</summary>
    public static Problem Of(string file, Finding finding) => new(
        finding.Code,
        Line(file, finding),
        Why(finding.Code),
        finding.Hint.Length > 0 ? finding.Hint : "correct this place, then run 'bal check' again");

    private static string Why(string code) => code switch
    {
        "unknown_key" => "the key is misspelled, stands in the wrong block, or belongs to another version of bal",
        "duplicate_key" => "the key was added without removing the earlier line",
        "invalid_key" => "a bracket or brace in front of the colon made the key a list or a mapping",
        "missing_key" => "the line was left out, or is commented out",
        "missing_value" => "the value was left out behind the colon",
        "wrong_type" => "a dash too many or too few, or the wrong indentation, changed what the key holds",
        "invalid_integer" => "a unit, sign, separator or word stands where only digits are allowed",
        "out_of_range" => "a digit too many or too few, or another unit was meant",
        "invalid_value" => "the word is misspelled, or is known to another load balancer only",
        "invalid_host" => "the address or name is misspelled",
        "port_in_host" => "host and port were written together, as other tools want it",
        "invalid_name" => "the name has capital letters, dots or spaces, or is too long",
        "services_beside_keys" => "services were added to a file of one service, whose keys were left where they are",
        "listeners_overlap" => "a service was copied and its port or address not changed",
        "too_many_services" or "too_many_backends" => "the file was generated, and is larger than bal is made for",
        "duplicate_backend" => "a backend was copied and not changed, or is written in two ways",
        "no_backends" or "empty_document" => "the file was created and not yet filled in",
        "backoff_max_below_initial" => "one of the two values was changed without the other",
        "listens_on_every_interface" => "no single address was chosen, which is right only behind a firewall",
        "health_timeout_exceeds_interval" => "one of the two values was changed without the other",
        "simple_mode_with_runtime" => "the block was added to a file that says it has none",
        "backend_is_own_listener" => "the port of bal and the port of the backend were mixed up",
        "connections_exceed_descriptors" =>
            "each relayed connection takes two descriptors, and the hard limit is lower",
        "more_findings" => "one mistake early in a file often causes many others",
        "file_missing" => "the path is misspelled, or the file has not been created yet",
        "file_is_directory" or "file_not_regular" => "the path names something other than a configuration file",
        "file_denied" => "the file, or a directory above it, belongs to another user",
        "file_too_large" => "another file was named by mistake",
        "file_unreadable" => "the file system, or the device under it, reported an error",
        "not_utf8" => "the file was saved in another encoding, or is not a text file",
        "control_character" => "the file is not a text file, or something was pasted from a terminal",
        "yaml_tab" => "the editor inserts tab characters",
        "yaml_syntax" => "indentation, a colon, a quote or a bracket is not valid YAML",
        "yaml_multiple_documents" => "two files were joined, or a separator was pasted",
        "yaml_too_deep" or "yaml_too_many_nodes" or "yaml_too_much_text" or "yaml_recursive_alias" =>
            "the file is not a configuration of bal, or is hostile",
        "yaml_unknown_alias" => "a text that begins with '*' has to be quoted",
        _ => "the file does not say what bal expects here",
    };
}
