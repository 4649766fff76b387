# Completion of iprev-check for bash. -*- sh -*-
#
# Copyright (c) 2026 the iprev-milter authors. BSD-2-Clause, see LICENSE.

_iprev_check()
{
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local options='-c -z -s -V -h --config --zone --server --json --version --help'

    COMPREPLY=()
    case $previous in
    -c | --config | -z | --zone | --html | --against | --batch | --classify)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
        ;;
    -s | --server | --top)
        return
        ;;
    esac
    if [[ ${COMP_WORDS[1]} == replay && $COMP_CWORD -gt 1 ]]; then
        options+=' --html --against --no-dns --top'
        if [[ $current != -* ]]; then
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
            return
        fi
    else
        options+=' --self --batch --classify'
    fi
    if [[ $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    elif [[ $COMP_CWORD -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W replay -A hostname -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -A hostname -- "$current")
    fi
}
complete -F _iprev_check iprev-check
