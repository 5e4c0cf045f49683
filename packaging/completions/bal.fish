# Fish completion for bal: install it as bal.fish in a directory of $fish_complete_path.
# 'bal complete' knows commands, options, and the services and backends of the running daemon.

function __bal_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l candidates ($words[1] complete -- $words[2..-1] 2>/dev/null)
    if test "$candidates[1]" = :files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $candidates
    end
end
complete -c bal -f -a '(__bal_complete)'
