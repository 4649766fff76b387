# Completion of iprev-check for bash. -*- sh -*-
#
# Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.

_iprev_check()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local options='-c -z -s -V -h --config --zone --server --json --version --help'
    local commands='self batch classify replay refused memory' command='' i

    # The command is the first word that is neither an option nor the argument of one.
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        -c | --config | -z | --zone | -s | --server | --html | --compare | --against | --top | --since | --until | --write-exempt | --min-messages | --address) ((i++)) ;;
        -*) ;;
        *) command=${COMP_WORDS[i]}; break ;;
        esac
    done
    case $command in
    replay | '') options+=' --html --against --no-dns --top --since --until --write-exempt --min-messages --no-verdicts --digest' ;;
    self) options+=' --address --probe --ticket --html --compare' ;;
    refused) options+=' --address --html' ;;
    *.* | *:*) options+=' --html --compare' ;;
    classify) options='-c -V -h --config --version --help' ;;
    memory) options='-c -V -h --config --json --forget --version --help' ;;
    esac
    [[ $command ]] || options+=' --forget --address --compare'
    [[ $command && ! $command =~ [.:] ]] || options+=' --probe --ticket'
    COMPREPLY=()
    case $previous in
    -s | --server | --top | --since | --until | --min-messages | --address) return ;;
    -c | --config | -z | --zone | --html | --compare | --against | --write-exempt) command=batch ;;
    esac
    case $current,$command in
    -*) mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current") ;;
    *,batch | *,classify | *,replay | *,refused)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        ;;
    *,) mapfile -t COMPREPLY < <(compgen -W "$commands" -A hostname -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -A hostname -- "$current") ;;
    esac
}
complete -F _iprev_check iprev-check
