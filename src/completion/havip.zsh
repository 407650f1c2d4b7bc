#compdef havip
# zsh completion for havip: written by `havip completion zsh`.
# Words and options are in here; a process is started only for what the daemon knows.

_havip() {
  local place_in_tree=havip takes='' word i
  local -a subs opts args asked
  local -i at=1
  _havip_at havip
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    case $word in --config | --socket) asked+=($word $words[i+1]) ;; esac
    if [[ $word == -* ]]; then
      _havip_takes "$place_in_tree $word" && ((i++))
    elif ((${subs[(I)$word:*]})); then
      place_in_tree+=" $word"
      _havip_at $place_in_tree
    else
      ((at++))
    fi
  done
  if ((i > CURRENT)); then # the word before is an option, and this its value
    _havip_takes "$place_in_tree $words[CURRENT-1]"
  elif [[ $words[CURRENT] == -* ]]; then
    _describe -o option opts
    return
  elif (($#subs)); then
    _describe command subs
    return
  else
    # The last argument may take all that follow.
    (($#args && at > $#args)) && [[ $args[-1] == *'*' ]] && at=$#args
    takes=$args[at]
  fi
  takes=${takes%'*'}
  case $takes in
  words:*) compadd -- ${=takes#words:} ;;
  file) _files ;;
  folder) _files -/ ;;
  havip | port | key) compadd -- ${(f)"$(havip complete $asked -- $takes "$words[CURRENT]" 2>/dev/null)"} ;;
  esac
}

# What there is at a place in the tree: subcommands, options, and what its arguments are.
_havip_at() {
  subs=() opts=() args=()
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

# From a folder of $fpath this file is the function; from `source` it has to be told.
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _havip "$@"
else
  compdef _havip havip
fi
