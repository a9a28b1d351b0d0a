/* The grammar. It knows no layer, no optimiser and no argument: those are rows of tables.
 *
 * Line ends mean nothing, so a statement ends where its call ends; no statement begins with what could continue
 * one. After a syntax error yylex (parse.c) skips to where a statement begins and says so by RECOVERED. */
%define api.pure full
%define api.location.type {Span}
%define api.value.union.name TokenValue
%define parse.error custom
%define parse.lac full
%locations
%expect 0
%param {ParseContext *context}

%code requires {
#include "language/parse.h"
}

%code {
#include <string.h>

#define YYLLOC_DEFAULT(current, right, count) \
    ((current) = (count) ? (Span){YYRHSLOC(right, 1).begin, YYRHSLOC(right, count).end} \
                         : (Span){YYRHSLOC(right, 0).end, YYRHSLOC(right, 0).end})

int yylex(YYSTYPE *, YYLTYPE *, ParseContext *);
static void yyerror(const YYLTYPE *span, ParseContext *context, const char *message)
{
    parse_error(context, *span, "%s", message);
}
}

%union {
    double number;
    double pair[2];
    const char *text;
    Expression *expression;
    Item *item;
    ItemList items;
    Statement *statement;
    StatementList statements;
}

%token <number> NUMBER
%token <pair> PAIR
%token <text> STRING NAME
%token MODEL LET BLOCK REPEAT
%token INVALID   /* reported by the lexer */
%token RECOVERED /* after a syntax error: here a statement begins */
%token START_NETWORK START_EXPRESSION
%left '+' '-'
%left '*' '/'
%precedence SIGN

%type <expression> expression value call
%type <item> argument parameter map_key
%type <items> arguments argument_list parameters parameter_list values value_list pairs pair_list
%type <statement> statement call_statement
%type <statements> statements body

%%

start: START_NETWORK statements             { context->statements = $statements.first; }
     | START_EXPRESSION value               { context->expression = $value; }
     ;

statements: %empty                          { $$ = (StatementList){NULL, NULL}; }
          | statements statement            { $$ = $1; parse_append_statement(context, &$$, $statement); }
          | statements error RECOVERED      { $$ = $1; yyerrok; }
          ;

statement: MODEL NAME                       { $$ = parse_statement(STATEMENT_MODEL, @$, $NAME, @NAME); }
         | MODEL[word] MODEL[name]          { $$ = parse_statement(STATEMENT_MODEL, @$, "model", @name); } /* its default name */
         | LET NAME '=' value               { $$ = parse_statement(STATEMENT_LET, @$, $NAME, @NAME); $$->value = $value; }
         | NAME '=' call_statement          { $$ = $call_statement; $$->span = @$; $$->name = $NAME; $$->name_span = @NAME; }
         | call_statement
         | BLOCK NAME '(' parameters ')' body {
               $$ = parse_statement(STATEMENT_BLOCK, @$, $NAME, @NAME);
               $$->parameters = $parameters.first;
               $$->body = $body.first;
           }
         | REPEAT expression body {
               $$ = parse_statement(STATEMENT_REPEAT, (Span){@REPEAT.begin, @expression.end}, NULL, @REPEAT);
               $$->value = $expression;
               $$->body = $body.first;
           }
         ;

call_statement: call                        { $$ = parse_statement(STATEMENT_CALL, @$, NULL, @$); $$->value = $call; }
              | call '(' arguments ')' {
                    $$ = parse_statement(STATEMENT_CALL, @$, NULL, @$);
                    $$->value = $call;
                    $$->has_inputs = true;
                    $$->inputs = $arguments.first;
                }
              ;

body: '{' statements '}'                    { $$ = $statements; }
    ;

parameters: %empty                          { $$ = (ItemList){NULL, NULL}; }
          | parameter_list
          | parameter_list ','
          ;
parameter_list: parameter                   { $$ = (ItemList){$1, $1}; }
              | parameter_list ',' parameter { $$ = $1; parse_append_item(&$$, $parameter); }
              ;
parameter: NAME                             { $$ = parse_item($NAME, @NAME, NULL); }
         | NAME '=' value                   { $$ = parse_item($NAME, @NAME, $value); }
         ;

call: NAME '(' arguments ')'                { $$ = parse_text(EXPRESSION_CALL, $NAME, $arguments.first, @$); }
    ;
arguments: %empty                           { $$ = (ItemList){NULL, NULL}; }
         | argument_list
         | argument_list ','
         ;
argument_list: argument                     { $$ = (ItemList){$1, $1}; }
             | argument_list ',' argument   { $$ = $1; parse_append_argument(context, &$$, $argument); }
             ;
argument: value                             { $$ = parse_item(NULL, @$, $value); }
        | NAME '=' value                    { $$ = parse_item($NAME, @NAME, $value); }
        ;

value: expression
     | STRING                               { $$ = parse_text(EXPRESSION_STRING, $STRING, NULL, @$); }
     | '[' values ']'                       { $$ = parse_text(EXPRESSION_LIST, NULL, $values.first, @$); }
     | '{' pairs '}'                        { $$ = parse_text(EXPRESSION_MAP, NULL, $pairs.first, @$); }
     ;
values: %empty                              { $$ = (ItemList){NULL, NULL}; }
      | value_list
      | value_list ','
      ;
value_list: value                           { Item *item = parse_item(NULL, @$, $value); $$ = (ItemList){item, item}; }
          | value_list ',' value            { $$ = $1; parse_append_item(&$$, parse_item(NULL, @value, $value)); }
          ;
pairs: %empty                               { $$ = (ItemList){NULL, NULL}; }
     | pair_list
     | pair_list ','
     ;
pair_list: map_key ':' value                { $$ = (ItemList){$1, $1}; parse_append_item(&$$, parse_item(NULL, @value, $value)); }
         | pair_list ',' map_key ':' value {
               $$ = $1;
               parse_append_item(&$$, $map_key);
               parse_append_item(&$$, parse_item(NULL, @value, $value));
           }
         ;
map_key: value                              { $$ = parse_item(NULL, @$, $value); }
       ;

expression: NUMBER                          { $$ = parse_number($1, @$); }
          | PAIR                            { $$ = parse_pair($1[0], $1[1], @$); }
          | NAME                            { $$ = parse_text(EXPRESSION_NAME, $1, NULL, @$); }
          | call
          | '(' expression ')'              { $$ = $2; }
          | '-' enter expression %prec SIGN { $$ = parse_negation($3, @$); context->signs--; }
          | '+' enter expression %prec SIGN { $$ = $3; context->signs--; }
          | expression '+' expression       { $$ = parse_binary('+', $1, $3, @2); }
          | expression '-' expression       { $$ = parse_binary('-', $1, $3, @2); }
          | expression '*' expression       { $$ = parse_binary('*', $1, $3, @2); }
          | expression '/' expression       { $$ = parse_binary('/', $1, $3, @2); }
          ;
enter: %empty                               { parse_enter_sign(context, (Span){@$.begin - 1, @$.end}); }
     ;

%%

/* What would have been right here, in plain words: "a value or `)`". */
static int yyreport_syntax_error(const yypcontext_t *at, ParseContext *context)
{
    yysymbol_kind_t tokens[YYNTOKENS];
    int count = yypcontext_expected_tokens(at, tokens, YYNTOKENS);
    int punctuation = 0;
    Expected expected = {.statement = false};
    for (int i = 0; i < count; i++) {
        const char *name = yysymbol_name(tokens[i]); /* '(' with its quotes, or NUMBER */
        if (tokens[i] == YYSYMBOL_LET) expected.statement = true;
        if (tokens[i] == YYSYMBOL_NUMBER) expected.value = true;
        if (tokens[i] == YYSYMBOL_NAME) expected.name = true;
        if (name[0] == '\'' && strchr("([{=:,)]}", name[1])) expected.punctuation[punctuation++] = name[1];
    }
    parse_syntax_error(context, &expected);
    return 0;
}
