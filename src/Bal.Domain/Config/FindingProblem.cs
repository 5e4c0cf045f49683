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
        "unknown_key" => "the key is misspelled, is in the wrong block, or belongs to another version of bal",
        "duplicate_key" => "the key was added without removing the earlier line",
        "invalid_key" => "a bracket or brace before the colon made the key a list or a mapping",
        "missing_key" => "the line was left out, or is commented out",
        "missing_value" => "the value after the colon was left out",
        "wrong_type" => "an extra or missing dash, or the wrong indentation, changed what the key holds",
        "invalid_backend" => "the port is missing, or the backend is written as another tool expects it",
        "invalid_integer" => "there is a unit, sign, separator or word where only digits are allowed",
        "out_of_range" => "there is an extra or missing digit, or another unit was meant",
        "invalid_value" => "the word is misspelled, or comes from another load balancer",
        "invalid_host" => "the address or name is misspelled",
        "port_in_host" => "host and port were written together, as other tools expect",
        "invalid_network" => "an address is misspelled, or the file is not a list of networks",
        "too_many_networks" => "the list was generated, and is larger than bal is made for",
        "invalid_name" => "the name has capital letters, dots or spaces, or is too long",
        "services_beside_keys" => "services were added to a file of one service, whose keys stayed at the top level",
        "listeners_overlap" => "a service was copied and its port or address not changed",
        "listener_keys_differ" => "one of the two services was changed without the other",
        "server_name_taken" or "duplicate_server_name" => "a line was copied and its name not changed",
        "invalid_server_name" => "the name is misspelled, or is a pattern of another load balancer",
        "too_many_services" or "too_many_backends" => "the file was generated, and is larger than bal is made for",
        "duplicate_backend" => "a backend was copied and not changed, or is written in two ways",
        "no_backends" or "empty_document" => "the file was created and not yet filled in",
        "backoff_max_below_initial" => "one of the two values was changed without the other",
        "trusts_every_peer" => "whoever may send a PROXY header is believed, whatever it says",
        "listens_on_every_interface" => "no single address was chosen, which is safe only behind a firewall",
        "health_timeout_exceeds_interval" or "half_closed_timeout_exceeds_idle" =>
            "one of the two values was changed without the other",
        "slow_start_without_effect" => "the method was changed later, or the block was copied from another service",
        "no_backend_has_weight" => "backends were taken out of use one after the other, the last one included",
        "simple_mode_with_runtime" => "the block was added to a file that says mode: simple",
        "backend_is_own_listener" => "bal's own port was given for the backend, or the other way around",
        "only_backups" => "the backend to be used first lost its line, or every backend was copied from a backup",
        "no_backups" => "the backup was removed, or has no 'backup: true' yet",
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
            "the file is not a bal configuration, or is malicious",
        "yaml_unknown_alias" => "a text that begins with '*' has to be quoted",
        _ => "the file does not say what bal expects here",
    };
}
