# shellcheck shell=bash
# Bash completion for bal: source it, or install it as /usr/share/bash-completion/completions/bal.

# Names of files, quoted as the shell needs them; after a directory goes a slash and no space.
_bal_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_bal() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD - 1]}" command="" word flags
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
      check | doctor | status | top | ready | init | start | graceful | reload | upgrade | stop | drain | enable | weight | sessions | explain | logs | replay | demo | simulate | schema)
        command="$word"
        break
        ;;
    esac
  done
  case "$previous" in
    -c | --config | --scenario | --compare | --html)
      _bal_files "$current"
      return
      ;;
    --sort)
      mapfile -t COMPREPLY < <(compgen -W "recent bytes duration idle" -- "$current")
      return
      ;;
    --log-format)
      mapfile -t COMPREPLY < <(compgen -W "auto text json" -- "$current")
      return
      ;;
    --seconds | --timeout | --top | --listen | --backend) return ;;
  esac
  case "$command" in
    check) flags="--json --verbose --strict --config --help" ;;
    doctor) flags="--json --verbose --brief --config --help" ;;
    status) flags="--json --verbose --brief --exit-code --watch --config --help" ;;
    top) flags="--config --help" ;;
    start) flags="--daemon --listen --backend --log-format --config --help" ;;
    init) flags="--listen --backend --config --help" ;;
    logs) flags="--follow --config --help" ;;
    ready) flags="--backends --config --help" ;;
    graceful | reload) flags="--dry-run --json --timeout --config --help" ;;
    explain) flags="backend protection --json --config --help" ;;
    replay)
      if [[ $current != -* ]]; then
        _bal_files "$current"
        return
      fi
      flags="--json --config --help"
      ;;
    upgrade) flags="--timeout --config --help" ;;
    drain) flags="--wait --timeout --reset --force --json --config --help" ;;
    enable) flags="--all --json --config --help" ;;
    sessions) flags="--sort --top --reset --json --config --help" ;;
    weight) flags="default --force --json --config --help" ;;
    stop) flags="--timeout --config --help" ;;
    schema) flags="--help" ;;
    demo) flags="--seconds --help" ;;
    simulate) flags="--scenario --config --compare --html --json --help" ;;
    *) flags="check doctor status top ready init start graceful reload upgrade stop drain enable weight sessions explain logs replay demo simulate schema --help --version" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$current")
}
complete -F _bal bal
