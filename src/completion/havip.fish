# fish completion for havip: written by `havip completion fish`.
# Words and options are in here; a process is started only for what the daemon knows.

# The options that take a value, each with the place in the tree where it does.
set -g __havip_valued @VALUED@

set -g __havip_places @PLACES@

# Prints the place in the tree, and how many arguments have been given there, a line each.
function __havip_where
    set -l place havip
    set -l count 0
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
        else if string match -q -- '-*' $word
            contains -- "$place $word" $__havip_valued; and set skip 1
        else if contains -- "$place $word" $__havip_places
            set place "$place $word"
        else
            set count (math $count + 1)
        end
    end
    printf '%s\n' $place $count
end

function __havip_at
    set -l where (__havip_where)
    test "$where[1]" = "$argv[1]"
end

# At this place, with so many arguments given already; `+`: or more.
function __havip_argument
    set -l where (__havip_where)
    test "$where[1]" = "$argv[1]"; or return 1
    test "$where[2]" = "$argv[2]"; or begin
        test "$argv[3]" = +; and test "$where[2]" -gt "$argv[2]"
    end
end

# Asks the daemon that the line names.
function __havip_ask
    set -l place
    set -l words (commandline -opc)
    for i in (seq (count $words))
        contains -- $words[$i] --config --socket; and set place $place $words[$i] $words[(math $i + 1)]
    end
    havip complete $place -- $argv[1] (commandline -ct) 2>/dev/null
end

complete -c havip -f
@COMPLETIONS@
