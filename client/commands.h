/* The rows of all commands, and what commands share. */
#ifndef CLIENT_COMMANDS_H
#define CLIENT_COMMANDS_H

#include "client/command.h"

extern const struct command *const commands[];
extern const size_t ncommands;

/* cmd_session.c */
extern const struct command cmd_login, cmd_join, cmd_logout, cmd_whoami, cmd_passwd;
/* cmd_record.c */
extern const struct command cmd_add, cmd_show, cmd_set, cmd_delete, cmd_restore, cmd_undo;
/* cmd_list.c */
extern const struct command cmd_list, cmd_count, cmd_search;
/* cmd_history.c */
extern const struct command cmd_history;
/* Who did it: as the change says, else by the names that came along; in the reply, or empty. */
struct bytes change_user(
	const struct app *app, const Guanxi__Change *c, const Guanxi__Reply *reply);
/* cmd_audit.c */
extern const struct command cmd_audit_list;
extern const struct command cmd_merge;
extern const struct command cmd_duplicates;
/* cmd_get.c */
extern const struct command cmd_get;
/* cmd_dial.c */
extern const struct command cmd_dial;
/* cmd_today.c */
extern const struct command cmd_report_visit_plans;
extern const struct command cmd_today, cmd_agenda;
/* cmd_system.c */
extern const struct command cmd_schema, cmd_health, cmd_help;
/* cmd_watch.c */
extern const struct command cmd_watch;
/* cmd_batch.c */
extern const struct command cmd_batch;
/* cmd_import.c, cmd_export.c */
extern const struct command cmd_import, cmd_export;
/* shortcuts.c */
extern const struct command cmd_short_add, cmd_short_import, cmd_short_export;
extern const struct command cmd_reminder_list, cmd_reminder_ack, cmd_reminder_snooze;
extern const struct command cmd_reminder_audit;
extern const struct command cmd_user_offboard;
extern const struct command cmd_user_invite, cmd_setting_set, cmd_product_prices;
extern const struct command cmd_task_submit, cmd_task_acknowledge;
/* shortcuts_rule.c */
extern const struct command cmd_rule_test;

#define LIST_OPTIONS "sort limit page all trash explain total"
#define IMPORT_OPTIONS "encoding separator quote map set key on-conflict null rejects format force"
#define EXPORT_OPTIONS "encoding format sort trash purpose"

enum status run_add(struct app *app, struct error *e);
enum status run_list(struct app *app, struct error *e);
enum status run_import(struct app *app, struct error *e);
enum status run_export(struct app *app, struct error *e);
enum status run_add_json(struct app *app, struct error *e); /* cmd_add_json.c */
enum status run_set_where(struct app *app, struct error *e);
enum status run_delete_where(struct app *app, struct error *e); /* cmd_bulk.c */

/* Sends, waits, and brings the schema up to date so that the reply can be printed. */
enum status call_for_records(
	struct app *app, Guanxi__Request *r, const Guanxi__Reply **reply, struct error *e);
/* Sends it, prints the records that come back and says how it is undone. */
enum status call_to_change(struct app *app, Guanxi__Request *r, struct error *e);
/* One line of batch to a request in the arena. */
enum status batch_request(
	struct arena *arena, struct bytes line, Guanxi__Request **out, struct error *e);
/* filter, sort, trash of the command line, into a request. from: first word of the filter. */
enum status take_query(struct app *app, Guanxi__Request *r, size_t from, struct error *e);

#endif
