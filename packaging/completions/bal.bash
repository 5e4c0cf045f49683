# shellcheck shell=bash
# Bash completion for bal: source it, or install it as /usr/share/bash-completion/completions/bal.
# 'bal complete' knows commands, options, and the services and backends of the running daemon.

_bal() {
  local words=() word typed candidate
  # Bash takes a colon for the end of a word, and addresses have them.
  for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
    if ((${#words[@]})) && { [[ $word == :* ]] || [[ ${words[-1]} == *: ]]; }; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
  done
  typed="${words[-1]}"
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" complete -- "${words[@]}" 2>/dev/null)
  if [[ ${COMPREPLY[0]-} == :files ]]; then
    # Quoted as the shell needs them; after a directory goes a slash and no space.
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
  elif [[ $typed == *:* ]]; then
    for candidate in "${!COMPREPLY[@]}"; do
      COMPREPLY[candidate]="${COMPREPLY[candidate]#"${typed%"${typed##*:}"}"}"
    done
  fi
}
complete -F _bal bal
