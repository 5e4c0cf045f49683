# shellcheck shell=bash
# Bash completion for bal: source it, or install it as /usr/share/bash-completion/completions/bal.
_bal() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD - 1]}" command="" word flags
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      check | doctor | status | start | graceful | upgrade | stop | explain | replay | demo | simulate | schema)
        command="$word"
        break
        ;;
    esac
  done
  case "$previous" in
    -c | --config | --scenario | --compare | --html)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --seconds | --timeout) return ;;
  esac
  case "$command" in
    check) flags="--json --verbose --strict --config --help" ;;
    doctor) flags="--json --verbose --brief --config --help" ;;
    status) flags="--json --verbose --brief --exit-code --config --help" ;;
    start) flags="--daemon --config --help" ;;
    graceful) flags="--dry-run --json --config --help" ;;
    explain) flags="backend protection --json --help" ;;
    replay)
      if [[ $current != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
      fi
      flags="--json --config --help"
      ;;
    upgrade) flags="--timeout --config --help" ;;
    stop) flags="--config --help" ;;
    schema) flags="--help" ;;
    demo) flags="--seconds --help" ;;
    simulate) flags="--scenario --config --compare --html --json --help" ;;
    *) flags="check doctor status start graceful upgrade stop explain replay demo simulate schema --help --version" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
}
complete -F _bal bal
