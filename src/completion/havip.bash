# bash completion for havip: written by `havip completion bash`.
# It needs nothing but bash: the package bash-completion may be missing on a server. Words and options are in here; a
# process is started only for what the daemon knows.

_havip() {
  local line=${COMP_LINE:0:COMP_POINT} words word cur path=havip subs opts args takes='' at=0 place=() i
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  cur=${words[-1]}
  _havip_at havip
  for ((i = 1; i < ${#words[@]} - 1; i++)); do
    word=${words[i]}
    case $word in --config | --socket) place+=("$word" "${words[i + 1]}") ;; esac
    if [[ $word == -* ]]; then
      _havip_takes "$path $word" && ((i++))
    elif [[ " $subs " == *" $word "* ]]; then
      path+=" $word"
      _havip_at "$path"
    else
      ((at++))
    fi
  done
  if ((i == ${#words[@]})); then # the word before is an option, and this its value
    _havip_takes "$path ${words[-2]}"
  elif [[ $cur == --*=* ]] && _havip_takes "$path ${cur%%=*}"; then
    cur=${cur#*=}
  elif [[ $cur == -* ]]; then
    takes="words:$opts"
  elif [[ $subs ]]; then
    takes="words:$subs"
  else
    # The last argument may take all that follow.
    ((${#args[@]} && at >= ${#args[@]})) && [[ ${args[-1]} == *'*' ]] && at=$((${#args[@]} - 1))
    takes=${args[at]-}
  fi
  _havip_reply "${takes%'*'}"
}

_havip_reply() {
  COMPREPLY=()
  case $1 in
  words:*) mapfile -t COMPREPLY < <(compgen -W "${1#words:}" -- "$cur") ;;
  file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
  folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
  havip | port | key) mapfile -t COMPREPLY < <(havip complete "${place[@]}" -- "$1" "$cur" 2>/dev/null) ;;
  esac
  # bash takes a colon for the end of a word: what lies before the last one is on the line already.
  if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local before=${cur%"${cur##*:}"}
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
  fi
}

# What there is at a place in the tree: subcommands, options, and what its arguments are.
_havip_at() {
  subs='' opts='' args=()
  case $1 in
@PLACES@
  esac
}

# What an option takes; fails where it takes nothing.
_havip_takes() {
  case $1 in
@OPTIONS@
  *) return 1 ;;
  esac
}

complete -F _havip havip
