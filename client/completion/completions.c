/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "lib/base/attr.h"
#include "lib/base/str.h"
#include "proto/commands.h"

/*
 * Writes the completions of certctl for a shell from proto/commands.def; run by the build:
 * completions bash | zsh | fish.
 */

/* The kind of a command's arguments, by the words in the table. */
static const char *argument_kind(const struct command *command)
{
	static const char *const kinds[][2] = { { "CERT", "certificate" },
		{ "PATTERN", "certificate" }, { "FILE", "file" }, { "DIR", "directory" },
		{ "COMMAND", "command" }, { "JOB", "job" } };
	size_t min, max;

	command_arity(command, &min, &max);
	for (size_t i = 0; i < ARRAY_LEN(kinds) && max > 0; i++)
		if (strstr(command->arguments, kinds[i][0]))
			return kinds[i][1];
	return "nothing";
}

/* Single-quoted for all three shells: no sentence of the table holds a quote or a backslash. */
static void put_quoted(const char *text)
{
	putchar('\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			putchar('\\');
		else
			putchar(*text);
	}
	putchar('\'');
}

static void put_options(const struct command *command)
{
	enum option_kind kind;
	char name[32];

	for (size_t at = 0; command_next_option(command, &at, name, &kind);)
		printf(" %s", name);
}

/* The first words of all commands, those of two words once. */
static bool is_first_of_word(size_t n)
{
	size_t len = strcspn(commands[n].name, " ");

	for (size_t i = 0; i < n; i++)
		if (strcspn(commands[i].name, " ") == len &&
			strncmp(commands[i].name, commands[n].name, len) == 0)
			return false;
	return true;
}

/* Everything bash and zsh know about commands: one function that answers questions. */
static void put_table(void)
{
	puts("_certctl_about() {\n\tcase $1 in");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		printf("\t'%s') echo '%s", commands[i].name, argument_kind(&commands[i]));
		put_options(&commands[i]);
		puts("' ;;");
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t len = strcspn(commands[i].name, " ");

		if (!commands[i].name[len] || !is_first_of_word(i))
			continue;
		printf("\t'%.*s') echo 'words", (int)len, commands[i].name);
		for (size_t j = i; j < COMMAND_COUNT; j++)
			if (strncmp(commands[j].name, commands[i].name, len + 1) == 0)
				printf(" %s", commands[j].name + len + 1);
		puts("' ;;");
	}
	puts("\t*) echo nothing ;;\n\tesac\n}");
	fputs("_certctl_commands='", stdout);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (is_first_of_word(i))
			printf("%s%.*s", i ? " " : "", (int)strcspn(commands[i].name, " "),
				commands[i].name);
	puts("'");
	puts("_certctl_own='--json --no-color --socket --help'");
	puts("_certctl_list() {\n"
	     "\tcertctl ${_certctl_socket:+-s \"$_certctl_socket\"} \"$1\" 2>/dev/null |\n"
	     "\t\tsed -n '2,$s/ .*//p'\n"
	     "}");
}

static void put_bash(void)
{
	puts("# Completion of certctl for bash, made from the table of commands.");
	put_table();
	puts("_certctl() {\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} _certctl_socket='' name='' about kind i\n"
	     "\tCOMPREPLY=()\n"
	     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	     "\t\tcase ${COMP_WORDS[i]} in\n"
	     "\t\t-s | --socket) _certctl_socket=${COMP_WORDS[++i]-} ;;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*)\n"
	     "\t\t\tcase $(_certctl_about \"$name\") in\n"
	     "\t\t\twords*) name+=\" ${COMP_WORDS[i]}\" ;;\n"
	     "\t\t\t*) [[ $name ]] || name=${COMP_WORDS[i]} ;;\n"
	     "\t\t\tesac\n"
	     "\t\t\t;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n"
	     "\t-s | --socket)\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	     "\t\treturn\n"
	     "\t\t;;\n"
	     "\tesac\n"
	     "\tabout=$(_certctl_about \"$name\")\n"
	     "\tkind=${about%% *}\n"
	     "\tif [[ $cur == -* ]]; then\n"
	     "\t\tmapfile -t COMPREPLY < <(compgen -W \"${about#\"$kind\"} $_certctl_own\" -- "
	     "\"$cur\")\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\t[[ $name ]] || kind=command\n"
	     "\tcase $kind in\n"
	     "\tcommand) mapfile -t COMPREPLY < <(compgen -W \"$_certctl_commands\" -- "
	     "\"$cur\") ;;\n"
	     "\twords) mapfile -t COMPREPLY < <(compgen -W \"${about#words}\" -- \"$cur\") ;;\n"
	     "\tcertificate) mapfile -t COMPREPLY < <(compgen -W \"$(_certctl_list status)\" "
	     "-- \"$cur\") ;;\n"
	     "\tjob) mapfile -t COMPREPLY < <(compgen -W \"$(_certctl_list jobs)\" -- "
	     "\"$cur\") ;;\n"
	     "\tfile) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
	     "\tdirectory) mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
	     "\tesac\n"
	     "}\n"
	     "complete -o filenames -F _certctl certctl");
}

static void put_zsh(void)
{
	puts("#compdef certctl\n# Completion of certctl for zsh, made from the table of "
	     "commands.");
	put_table();
	puts("_certctl_describe() {\n\tlocal -a all\n\tall=(");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t len = strcspn(commands[i].name, " ");
		char text[256];

		if (!is_first_of_word(i))
			continue;
		snprintf(text, sizeof(text), "%.*s:%s", (int)len, commands[i].name,
			commands[i].name[len] ? "check or explain the configuration"
					      : commands[i].help);
		fputs("\t\t", stdout);
		put_quoted(text);
		putchar('\n');
	}
	puts("\t)\n"
	     "\t_describe command all\n"
	     "}\n"
	     "_certctl() {\n"
	     "\tlocal _certctl_socket='' name='' about kind i\n"
	     "\tfor ((i = 2; i < CURRENT; i++)); do\n"
	     "\t\tcase ${words[i]} in\n"
	     "\t\t-s|--socket) ((i++)); _certctl_socket=${words[i]} ;;\n"
	     "\t\t-*) ;;\n"
	     "\t\t*)\n"
	     "\t\t\tcase $(_certctl_about \"$name\") in\n"
	     "\t\t\twords*) name+=\" ${words[i]}\" ;;\n"
	     "\t\t\t*) [[ -n $name ]] || name=${words[i]} ;;\n"
	     "\t\t\tesac\n"
	     "\t\t\t;;\n"
	     "\t\tesac\n"
	     "\tdone\n"
	     "\tcase ${words[CURRENT-1]} in\n"
	     "\t-s|--socket) _files; return ;;\n"
	     "\tesac\n"
	     "\tabout=$(_certctl_about \"$name\")\n"
	     "\tkind=${about%% *}\n"
	     "\tif [[ ${words[CURRENT]} == -* ]]; then\n"
	     "\t\tcompadd -- ${=about#$kind} ${=_certctl_own}\n"
	     "\t\treturn\n"
	     "\tfi\n"
	     "\t[[ -n $name ]] || kind=command\n"
	     "\tcase $kind in\n"
	     "\tcommand) _certctl_describe ;;\n"
	     "\twords) compadd -- ${=about#words} ;;\n"
	     "\tcertificate) compadd -- ${(f)\"$(_certctl_list status)\"} ;;\n"
	     "\tjob) compadd -- ${(f)\"$(_certctl_list jobs)\"} ;;\n"
	     "\tfile) _files ;;\n"
	     "\tdirectory) _files -/ ;;\n"
	     "\tesac\n"
	     "}\n"
	     "_certctl \"$@\"");
}

static void put_fish_command(const struct command *command)
{
	size_t len = strcspn(command->name, " ");
	const char *kind = argument_kind(command);
	enum option_kind option;
	char name[32], seen[128];

	snprintf(seen, sizeof(seen), "__fish_seen_subcommand_from %s", command->name);
	if (command->name[len]) {
		printf("complete -c certctl -n '__fish_seen_subcommand_from %.*s' -a %s -d ",
			(int)len, command->name, command->name + len + 1);
		put_quoted(command->help);
		putchar('\n');
		snprintf(seen, sizeof(seen), "__fish_seen_subcommand_from %s",
			command->name + len + 1);
	}
	for (size_t at = 0; command_next_option(command, &at, name, &option);)
		printf("complete -c certctl -n '%s' %s %s%s\n", seen,
			name[1] == '-' ? "-l" : "-s", name + strspn(name, "-"),
			option == OPTION_VALUE ? " -x" : "");
	if (str_is(kind, "certificate"))
		printf("complete -c certctl -n '%s' -a '(__certctl_list status)'\n", seen);
	else if (str_is(kind, "job"))
		printf("complete -c certctl -n '%s' -a '(__certctl_list jobs)'\n", seen);
	else if (str_is(kind, "file") || str_is(kind, "directory"))
		printf("complete -c certctl -n '%s' -F\n", seen);
}

static void put_fish(void)
{
	puts("# Completion of certctl for fish, made from the table of commands.\n"
	     "function __certctl_list\n"
	     "\tcertctl $argv[1] 2>/dev/null | sed -n '2,$s/ .*//p'\n"
	     "end\n"
	     "complete -c certctl -f\n"
	     "complete -c certctl -s s -l socket -r -F -d 'where certd listens'\n"
	     "complete -c certctl -l json -d 'one JSON document instead of text'\n"
	     "complete -c certctl -l no-color -d 'no colours, also on a terminal'\n"
	     "complete -c certctl -l help -d 'what a command does'");
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		size_t len = strcspn(commands[i].name, " ");

		if (is_first_of_word(i)) {
			printf("complete -c certctl -n __fish_use_subcommand -a %.*s -d ",
				(int)len, commands[i].name);
			put_quoted(commands[i].name[len] ? "check or explain the configuration"
							 : commands[i].help);
			putchar('\n');
		}
		put_fish_command(&commands[i]);
	}
}

int main(int argc, char **argv)
{
	if (argc == 2 && str_is(argv[1], "bash"))
		put_bash();
	else if (argc == 2 && str_is(argv[1], "zsh"))
		put_zsh();
	else if (argc == 2 && str_is(argv[1], "fish"))
		put_fish();
	else {
		fputs("completions: bash, zsh or fish\n", stderr);
		return 2;
	}
	return fflush(stdout) ? 1 : 0;
}
