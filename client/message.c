#include "client/message.h"
#include "common/text.h"
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX 6
#define DEPTH_MAX 4

/* * stands for any text; the Chinese names them in any order. The first that fits is taken. */
static const struct {
	const char *en, *zh;
} patterns[] = {
	{ "* (column * of the filter)*", "$1(筛选条件第 $2 列)$3" },
	{ "* in saved filter \"*\"", "保存的筛选“$2”中:$1" },
	{ "\"*\" has no order (use = != in)", "“$1”没有大小顺序(请用 = != in)" },
	{ "field \"*\" refers to no other record", "字段“$1”不引用别的记录" },
	{ "~ cannot be used with \"*\", which is no text", "“$1”不是文本,不能用 ~" },
	{ "filter is nested too deeply", "筛选条件嵌套太深" },
	{ "list is not closed", "列表没有关闭" },
	{ "list is too long", "列表太长" },
	{ "name of a saved filter is missing", "缺少保存的筛选的名称" },
	{ "empty is missing after is", "is 之后缺少 empty" },
	{ "opening parenthesis is missing after in", "in 之后缺少左括号" },
	{ "path is longer than three fields", "路径超过三个字段" },
	{ "unknown field \"*\" in sort, did you mean \"*\"", "排序中的字段“$1”未知,是否指“$2”" },
	{ "is no field of *; did you mean \"*\"?", "不是 $1 的字段,是否指“$2”?" },
	{ "no such entity: \"*\"; did you mean \"*\"?", "没有类别“$1”,是否指“$2”?" },
	{ "no such entity: \"*\"", "没有类别“$1”" },
	{ "unknown entity: \"*\"; did you mean \"*\"?", "未知类别“$1”,是否指“$2”?" },
	{ "unknown entity: \"*\"", "未知类别“$1”" },
	{ "is taken by another field of *, which is in the trash",
		"已被 $1 在回收站中的另一字段使用" },
	{ "is taken by another field of *", "已被 $1 的另一字段使用" },
	{ "a sale that is paid cannot be deleted", "已付款的销售不能删除" },
	{ "a sale is deleted as draft or cancelled only: its status is \"*\"",
		"销售只有在草稿或已取消时才能删除:当前状态为“$1”" },
	{ "a plan that is * cannot be deleted", "状态为 $1 的计划不能删除" },
	{ "a converted lead cannot be deleted", "已转换的线索不能删除" },
	{ "an operating record that is confirmed cannot be deleted", "已确认的经营记录不能删除" },
	{ "a * is never changed: a further one corrects it", "$1 不能更改:请另加一条更正" },
	{ "a * is never taken back: a further one corrects it", "$1 不能撤销:请另加一条更正" },
	{ "a * of others refers to * \"*\"", "别人的 $1 引用了 $2 $3" },
	{ "a * cannot be named by @name:", "$1 不能用 @name: 指明" },
	{ "a * has no such file", "$1 没有这样的文件" },
	{ "the * has no file", "该 $1 没有文件" },
	{ "the * is not in the trash", "该 $1 不在回收站" },
	{ "the * of the * is in the trash: restore it first", "$2 的 $1 在回收站:请先恢复它" },
	{ "the dictionary is fixed: its entries can be relabelled, not removed",
		"该字典是固定的:其项可以改名,不能删除" },
	{ "the general portfolio cannot be deleted", "“未分组”不能删除" },
	{ "the index of \"*\" is being built: try again later", "“$1”的索引正在建立:请稍后再试" },
	{ "the index of a field that may use it is being built: try again later",
		"可能用到它的字段正在建立索引:请稍后再试" },
	{ "the rows before these have not come yet", "前面的行尚未到达" },
	{ "the server's certificate authority has another fingerprint: * instead of *",
		"服务器证书颁发机构的指纹不同:是 $1,应为 $2" },
	{ "the server's certificate is not accepted: *", "不接受服务器的证书:$1" },
	{ "cannot use the server's certificate", "无法使用服务器的证书" },
	{ "cannot use the device's certificate", "无法使用本机的证书" },
	{ "* \"*\" refers to * \"*\"", "$1 $2 引用了 $3 $4" },
	{ "* \"*\": a value of it is another's by now", "$1 $2:它的一个值现已属于别的记录" },
	{ "* \"*\": what stood before was erased", "$1 $2:原来的内容已被清除" },
	{ "* \"*\" changed since", "$1 $2 之后已被更改" },
	{ "another * has the same * and * by now", "另一 $1 现已有相同的 $2 和 $3" },
	{ "another field of * has its name or a label of it by now",
		"$1 的另一字段现已使用它的名称或标签" },
	{ "version * is not there yet", "版本 $1 尚不存在" },
	{ "external_id is that of * \"*\"", "external_id 是 $1 $2 的" },
	{ "* is in use by *", "$1 正被 $2 使用" },
	{ "* must not be asked for", "不得按 $1 查询" },
	{ "filter asks for what must not be seen", "筛选条件涉及不得查看的内容" },
	{ "* must not be seen", "不得查看 $1" },
	{ "only = on a name, number, phone or e-mail address may be asked for",
		"只能按名称、编号、电话或邮箱用 = 查询" },
	{ "search is not allowed to this role", "该角色不能搜索" },
	{ "this report is not allowed to this role", "该角色不能查看此报告" },
	{ "this order reads too many records: narrow the filter",
		"此排序要读的记录太多:请缩小筛选范围" },
	{ "there are no saved filters here", "此处没有保存的筛选" },
	{ "there is no saved filter \"*\" of *", "$2 没有名为“$1”的保存的筛选" },
	{ "saved filter contains itself", "保存的筛选包含它自己" },
	{ "saved filters stand too deep in one another", "保存的筛选嵌套太深" },
	{ "filter has more than * parts", "筛选条件超过 $1 个部分" },
	{ "filter is longer than * bytes", "筛选条件长于 $1 字节" },
	{ "filter needs too much memory", "筛选条件需要的内存太多" },
	{ "more than * groups", "超过 $1 组" },
	{ "more than * different values", "超过 $1 个不同的值" },
	{ "sort has more than * fields", "排序字段超过 $1 个" },
	{ "search text asks for too much", "搜索内容过多" },
	{ "search text has more than * words", "搜索内容超过 $1 个词" },
	{ "search text is longer than * bytes", "搜索内容长于 $1 字节" },
	{ "search text is too long", "搜索内容太长" },
	{ "page is none of this search", "页标记不属于此次搜索" },
	{ "days is not a number from 0 to 366", "天数不是 0 到 366 的数字" },
	{ "one record at a time", "一次只能一条记录" },
	{ "one to * records", "记录须为 1 至 $1 条" },
	{ "one to * rows", "行数须为 1 至 $1" },
	{ "one to * columns", "列数须为 1 至 $1" },
	{ "one user", "只能一个用户" },
	{ "two records: the one that stays and the other", "须给两条记录:保留的和另一条" },
	{ "an entity is missing", "缺少类别" },
	{ "a record is missing", "缺少记录" },
	{ "a reminder is missing", "缺少提醒" },
	{ "seq is not the number of an event", "seq 不是事件编号" },
	{ "since is not the number of an event", "--since 不是事件编号" },
	{ "on_conflict is fail, skip or update", "on_conflict 须为 fail、skip 或 update" },
	{ "operation is finished", "该操作已经结束" },
	{ "operation was never given", "没有这样的操作号" },
	{ "idempotency key is longer than * bytes", "幂等键长于 $1 字节" },
	{ "idempotency key was used for another request", "该幂等键已用于另一请求" },
	{ "kept reply is damaged", "保存的答复已损坏" },
	{ "account is not active", "账号未启用" },
	{ "password must be changed first", "须先更改密码" },
	{ "wrong password", "密码错误" },
	{ "only on the server's console", "只能在服务器的控制台上进行" },
	{ "server is stopping", "服务器正在停止" },
	{ "deadline passed before the call was started", "请求开始前已超时" },
	{ "too many fields", "字段太多" },
	{ "user \"*\" is there already: --role and --branch are for a new one",
		"用户“$1”已存在:--role 和 --branch 只用于新用户" },
	{ "storage is full: nothing was written", "存储空间已满:没有写入任何内容" },
	{ "a change failed half way: nothing was written", "更改中途失败:没有写入任何内容" },
	{ "reply too large", "答复太大" },
	{ "request too large", "请求太大" },
	{ "too many changes of fields at once", "一次更改的字段太多" },
	{ "too many custom fields", "自定义字段太多" },
	{ "out of memory", "内存不足" },
	{ "record of * bytes is longer than * bytes", "记录有 $1 字节,超过 $2 字节" },
	{ "record is malformed", "记录格式有误" },
	{ "stored value is damaged: * \"*\"", "保存的值已损坏:$1 $2" },
	{ "file is larger than * MB", "文件大于 $1 MB" },
	{ "file arrived with another SHA-256: *", "文件到达时 SHA-256 不同:$1" },
	{ "file \"*\" does not go on at *", "文件 $1 不是从 $2 处继续" },
	{ "* uploads are open already", "已有 $1 个上传未完成" },
	{ "a part has 1 to * bytes", "一段须为 1 至 $1 字节" },
	{ "offset is not a multiple of *", "offset 不是 $1 的倍数" },
	{ "cannot read the file: *", "无法读取文件:$1" },
	{ "quote inside an unquoted cell", "未加引号的单元格中有引号" },
	{ "quote that is not closed", "引号没有关闭" },
	{ "text after a closing quote", "右引号之后还有内容" },
	{ "carriage return inside a row", "行中有单独的回车符" },
	{ "row has * cells, header has *", "该行有 $1 个单元格,表头有 $2 个" },
	{ "row of more than 1 MiB", "行超过 1 MiB" },
	{ "row of more than 4096 cells", "行超过 4096 个单元格" },
	{ "NUL (a UTF-16 file needs its encoding named)", "NUL 字符(UTF-16 文件须指明编码)" },
	{ "neither UTF-8 nor GB18030: * at line *, column *; name the encoding of the file with "
	  "--encoding",
		"既不是 UTF-8 也不是 GB18030:第 $2 行第 $3 列的 $1;请用 --encoding "
		"指明文件的编码" },
	{ "neither UTF-8 nor GB18030", "既不是 UTF-8 也不是 GB18030" },
	{ "not in the character set that it names", "不属于它所指的字符集" },
	{ "the character set \"*\" is not known", "不认识字符集“$1”" },
	{ "has a line that is no property", "有一行不是属性" },
	{ "has more than * properties", "超过 $1 个属性" },
	{ "is not from BEGIN:VCARD to END:VCARD", "不是从 BEGIN:VCARD 到 END:VCARD" },
	{ "cut short", "被截断" },
	{ "character U+* has no place in \"*\"", "“$2”中不应有字符 U+$1" },
	{ "has * custom fields already", "已有 $1 个自定义字段" },
	{ "is one too many: there are * custom fields", "太多:已有 $1 个自定义字段" },
	{ "takes no custom fields", "不能有自定义字段" },
	{ "is not offered for custom fields", "不能用于自定义字段" },
	{ "begins with @ or has a | in it", "以 @ 开头或含有 |" },
	{ "begins with one of + - @", "以 + - @ 之一开头" },
	{ "has one of = < > ! ~ | , ; \" in it", "含有 = < > ! ~ | , ; \" 之一" },
	{ "is a number: it would be taken for an id", "是数字:会被当作编号" },
	{ "is a word of the filters", "是筛选条件的用词" },
	{ "is not of lower-case letters, digits and _, beginning with a letter",
		"须由小写字母、数字和 _ 组成,并以字母开头" },
	{ "is not of lower-case letters, digits and *", "须由小写字母、数字和 $1 组成" },
	{ "is not of personal, sensitive, sensitive-by-reveal, cost",
		"不是 personal、sensitive、sensitive-by-reveal、cost 之一" },
	{ "is taken: another * of this * has it", "已被使用:该 $2 的另一 $1 已有它" },
	{ "is taken", "已被使用" },
	{ "is for choices only", "只用于选项" },
	{ "is for references only", "只用于引用" },
	{ "is for texts only", "只用于文本" },
	{ "is for fields of a customer only", "只用于客户的字段" },
	{ "cannot be changed: the field has had values", "不能更改:该字段已有过值" },
	{ "cannot be changed: the dictionary is fixed", "不能更改:该字典是固定的" },
	{ "cannot be switched off for choices and references", "对选项和引用不能关闭" },
	{ "cannot be asked of a long text", "不能用于长文本" },
	{ "cannot be told of a list", "不能用于列表" },
	{ "is missing: it, period_from or setting is needed",
		"缺失:须填写它、period_from 或 setting" },
	{ "cannot be changed: make another rule", "不能更改:请另建一条规则" },
	{ "cannot be changed: reminders name it", "不能更改:提醒以它为来源" },
	{ "has no owner who could be reminded", "没有可提醒的负责人" },
	{ "is for a rhythm of steps", "只用于按天数的节奏" },
	{ "is never of a *", "与 $1 无关" },
	{ "is no date of the entity", "不是该对象的日期字段" },
	{ "is no entity", "没有这样的对象" },
	{ "is no setting", "没有这样的参数" },
	{ "is not a choice of the entity and an attribute, such as grade.visit_cadence",
		"不是该对象的选项字段及其属性,例如 grade.visit_cadence" },
	{ "is not made of small letters, digits and _", "须由小写字母、数字和 _ 组成" },
	{ "is not understood: *", "无法理解:$1" },
	{ "is one too many: there were * rules", "规则过多:已有 $1 条" },
	{ "is missing: a choice needs one", "缺失:选项须有字典" },
	{ "is missing: a reference needs an entity", "缺失:引用须有类别" },
	{ "is missing: it, a lead or an opportunity is needed", "缺失:须填写它、线索或机会" },
	{ "is missing: neither contact nor customer has one", "缺失:联系人和客户都没有" },
	{ "is missing: record or customer is needed", "缺失:须填写记录或客户" },
	{ "is missing: the file has no name", "缺失:文件没有名称" },
	{ "is missing: stage * needs it", "缺失:阶段 $1 需要它" },
	{ "is fixed: rules depend on its entries", "是固定的:有规则依赖它的项" },
	{ "is no entry of this dictionary", "不是该字典的项" },
	{ "is switched off: \"*\"", "已停用:“$1”" },
	{ "is no filter of *: *", "不是 $1 的筛选条件:$2" },
	{ "is no key: it is not indexed", "不能作为键:没有索引" },
	{ "is the key but no column", "是键却不是列" },
	{ "is no order of this customer", "不是该客户的订单" },
	{ "is an order of another customer", "是另一客户的订单" },
	{ "belongs to another customer", "属于另一客户" },
	{ "belong to a static group only", "只属于静态组" },
	{ "is no setting of this server", "不是此服务器的设置" },
	{ "is no: a request is closed when its need is met", "为“否”:需求满足后才能关闭请求" },
	{ "is not a birthday (*)", "不是生日($1)" },
	{ "is not a lunar birthday (*)", "不是农历生日($1)" },
	{ "is not a file: name one as @PATH", "不是文件:请写 @路径" },
	{ "is not a month such as *", "不是 $1 之类的月份" },
	{ "is not a point in time (*)", "不是时间($1)" },
	{ "is not a valid value", "不是有效的值" },
	{ "is not an id", "不是编号" },
	{ "is not an upload that is complete", "不是已完成的上传" },
	{ "is not yearly: start_on is a day of every year", "不是每年:start_on 是每年的一天" },
	{ "is not zh or en", "不是 zh 或 en" },
	{ "is not above 0", "须大于 0" },
	{ "is 0", "是 0" },
	{ "is neither given nor refused", "既未同意也未拒绝" },
	{ "is never changed: withdraw the consent or add a new one",
		"不能更改:请撤回该同意或新加一条" },
	{ "is out of range (*)", "超出范围($1)" },
	{ "is out of range", "超出范围" },
	{ "id is out of range", "编号超出范围" },
	{ "is outside the lunar years 1900 to 2100", "不在农历 1900 至 2100 年之内" },
	{ "is in a leap month that its year does not have", "所在的闰月该年没有" },
	{ "is in a leap month that no year from 1900 to 2100 has",
		"所在的闰月 1900 至 2100 年间都没有" },
	{ "is longer than * bytes", "长于 $1 字节" },
	{ "is more than a year ahead", "在一年以后" },
	{ "is more than the stock of *", "超过库存 $1" },
	{ "is above the prepaid balance of *", "超过预付余额 $1" },
	{ "is above 1 without a percent sign: write * or *", "大于 1 且没有百分号:请写 $1 或 $2" },
	{ "names the record itself", "指向记录自身" },
	{ "is above *", "大于 $1" },
	{ "is below *", "小于 $1" },
	{ "is before *", "早于 $1" },
	{ "is past", "已过去" },
	{ "is set besides manager: one of the two is responsible",
		"与 manager 同时填写:只能由其中之一负责" },
	{ "is set by the conversion", "由转换设置" },
	{ "is set by the server", "由服务器设置" },
	{ "is set: a converted lead is read-only", "已设置:已转换的线索只读" },
	{ "is too large for this expectation", "对此预期来说太大" },
	{ "makes a circle", "形成循环" },
	{ "makes a cost that is too large", "使成本过大" },
	{ "makes an amount that is too large", "使金额过大" },
	{ "makes the balance too large", "使余额过大" },
	{ "makes the stock too large", "使库存过大" },
	{ "names no field of *: *", "不是 $1 的字段:$2" },
	{ "name no *: *", "中没有这样的 $1:$2" },
	{ "an export begins with record.export_begin", "导出须以 record.export_begin 开始" },
	{ "nobody consents for a *: option purpose is for customers and contacts",
		"$1 没有人可以同意:选项 purpose 只用于客户和联系人" },
	{ "the log is of all branches, your role is not", "日志属于所有分支机构,您的角色不是" },
	{ "names no kind of record: \"*\"", "没有这一类记录:“$1”" },
	{ "does not name a record (write ENTITY:ID)", "未指明记录(请写 类别:编号)" },
	{ "exists, where you may not see it", "已存在,但您无权查看" },
	{ "given twice", "给了两次" },
	{ "is given twice", "给了两次" },
	{ "has two columns", "有两列" },
	{ "has more than * items", "超过 $1 项" },
	{ "has more than one value", "有不止一个值" },
	{ "stands in more than one record", "出现在多条记录中" },
	{ "name of the file *", "文件名$1" },
	{ "there is no log entry *", "没有日志条目 $1" },
	{ "resume is longer than * bytes", "resume 长于 $1 字节" },
	{ "disk failed*", "磁盘故障$1" },
	{ "wrong master key or damaged store", "主密钥错误或存储已损坏" },
	{ "there is no user \"*\": --role says what a new one may do",
		"没有用户“$1”:新用户的权限由 --role 指定" },
	{ "there is no number to call", "没有可拨打的号码" },
	{ "activities are not about a *", "活动不针对 $1" },
	{ "there is no operation \"*\"", "没有操作 $1" },
	{ "there is no * \"*\"", "没有编号为“$2”的 $1" },
	{ "the record changed since version *", "该记录在版本 $1 之后已被更改" },
	{ "* \"*\" changed since, by operation *", "$1 $2 之后已被操作 $3 更改" },
	{ "operation has changed nothing", "操作未更改任何内容" },
	{ "* \"*\" is being changed by operation *: try again later",
		"$1 $2 正被操作 $3 更改:请稍后再试" },
	{ "operation * is not finished yet: try again later", "操作 $1 尚未结束:请稍后再试" },
	{ "there was no * \"*\" then", "当时还没有$1 $2" },
	{ "at is no date and no instant", "--at 不是日期或时间" },
	{ "* \"*\" is not in the trash", "$1 $2 不在回收站" },
	{ "* \"*\" has left the trash for good", "$1 $2 已从回收站彻底清除" },
	{ "* \"*\" is already in the trash", "$1 $2 已在回收站" },
	{ "not allowed: right \"*\" is missing", "没有权限“$1”" },
	{ "a * is changed by administrators", "$1 只能由管理员更改" },
	{ "a * is changed by the server only", "$1 只能由服务器更改" },
	{ "a * is never deleted", "$1 不能删除" },
	{ "a * cannot be deleted", "$1 不能删除" },
	{ "a * cannot be merged", "$1 不能合并" },
	{ "a * cannot be merged with itself", "$1 不能与自己合并" },
	{ "the * was merged into \"*\": take that operation back",
		"该$1已合并到“$2”:请撤销那次操作" },
	{ "operation is not yours", "该操作不是您的" },
	{ "import is finished", "该导入已经结束" },
	{ "operation is older than * days", "该操作已超过 $1 天" },
	{ "operation cannot be taken back", "该操作不能撤销" },
	{ "operation is not a number", "操作号不是数字" },
	{ "unknown operation: \"*\"", "未知操作“$1”" },
	{ "unknown entity: \"*\", did you mean \"*\"?", "未知类别“$1”,是否指“$2”?" },
	{ "unknown field \"*\", did you mean \"*\"", "未知字段“$1”,是否指“$2”" },
	{ "unknown field \"*\" of *", "$2 没有字段“$1”" },
	{ "unknown field \"*\" in sort", "排序中的字段“$1”未知" },
	{ "unknown field \"*\"", "未知字段“$1”" },
	{ "wrong user name or password", "用户名或密码错误" },
	{ "wrong or expired code", "代码错误或已过期" },
	{ "session has ended: log in again", "会话已结束:请重新登录" },
	{ "not logged in", "尚未登录" },
	{ "server is busy", "服务器繁忙" },
	{ "nothing to search for", "没有要查找的内容" },
	{ "page token does not belong to this list", "页标记不属于此列表" },
	{ "field is missing", "缺少字段" },
	{ "value is missing", "缺少值" },
	{ "operator is missing (*)", "缺少运算符($1)" },
	{ "and or or is missing", "缺少 and 或 or" },
	{ "parenthesis is not closed", "括号没有关闭" },
	{ "parenthesis was not opened", "括号没有打开" },
	{ "quote is not closed", "引号没有关闭" },
	{ "value of \"*\" is blank (write: is empty)", "“$1”的值为空(请写 is empty)" },
	{ "value of \"*\" *", "“$1”的值$2" },
	{ "after is not the number of a mail", "after 不是邮件的编号" },
	{ "number is not that of a mail", "number 不是邮件的编号" },
	{ "only reminders have a story", "只有提醒才有经过" },
	{ "the reminder has not fired or is done", "该提醒尚未触发或已完成" },
	{ "is not a known *", "所指的 $1 不存在" },
	{ "names * * records: give the id instead", "对应 $1 条 $2 记录:请改用编号" },
	{ "is missing: one of * is needed", "缺失:须填写 $1 之一" },
	{ "is missing: state * needs it", "缺失:状态 $1 需要它" },
	{ "is missing: status * needs it", "缺失:状态 $1 需要它" },
	{ "is missing: * needs it", "缺失:$1 需要它" },
	{ "is missing", "缺失" },
	{ "is not one of *", "不是 $1 之一" },
	{ "is no entry of the dictionary \"*\"", "不是字典“$1”的项" },
	{ "is no field of * (did you mean \"*\"?)", "不是 $1 的字段(是否指“$2”?)" },
	{ "is no field of *", "不是 $1 的字段" },
	{ "* of * \"*\" is taken by another * by now", "$2“$3”的 $1 现已被另一 $4 使用" },
	{ "* of * \"*\" is taken by * \"*\" by now", "$2“$3”的 $1 现已被 $4“$5”使用" },
	{ "is taken by another *", "已被另一 $1 使用" },
	{ "is that of a * merged into \"*\"", "属于已合并到“$2”的 $1" },
	{ "is that of * * \"*\"", "与 $1 $2“$3”相同" },
	{ "exists, owned by another branch", "已存在,属于其他分支机构" },
	{ "likely duplicate", "可能重复" },
	{ "you may not enter likely duplicates", "您无权录入可能重复的记录" },
	{ "entering a likely duplicate needs a reason", "录入可能重复的记录需要说明原因" },
	{ "* is there already: * \"*\"", "$1 已存在:$2 $3" },
	{ "is computed by the server", "由服务器计算" },
	{ "is set by administrators", "由管理员设置" },
	{ "entity not available yet", "该类别尚不可用" },
	{ "cannot be changed", "不能更改" },
	{ "cannot be cleared: name another contact primary instead",
		"不能清空:请改为指定另一主联系人" },
	{ "cannot be kept without the year of birth", "没有出生年份则不能使用" },
	{ "was changed meanwhile", "其间已被更改" },
	{ "is not a phone number", "不是电话号码" },
	{ "is not an e-mail address", "不是电子邮件地址" },
	{ "is not a web address", "不是网址" },
	{ "is not six digits", "不是六位数字" },
	{ "is not a number of digits only", "不是纯数字" },
	{ "is not a whole number", "不是整数" },
	{ "is not a number", "不是数字" },
	{ "is not a date*", "不是日期$1" },
	{ "is not a time of day (*)", "不是时间($1)" },
	{ "is not a time such as *", "不是 $1 之类的时间" },
	{ "is not a time zone such as *", "不是 $1 之类的时区" },
	{ "is a day that does not exist", "是不存在的日子" },
	{ "is a lunar day that does not exist", "是不存在的农历日子" },
	{ "is neither yes nor no", "既不是“是”也不是“否”" },
	{ "is not 15 digits, or 17 digits and a digit or X",
		"不是 15 位数字,也不是 17 位数字加一位数字或 X" },
	{ "is not up to 20 letters and digits", "不是最多 20 个字母和数字" },
	{ "is shorter than * characters", "少于 $1 个字符" },
	{ "is longer than * characters", "多于 $1 个字符" },
	{ "is the old one", "与旧密码相同" },
	{ "is the user name", "与用户名相同" },
	{ "is too common", "过于常见" },
	{ "lies in the past and does not repeat", "已过去且不重复" },
	{ "lies in the past", "已过去" },
	{ "is set: an archived customer is read-only", "已设置:已归档的客户只读" },
};

/* Whether text fits; what each * stands for goes to parts. */
static bool fits(const char *pattern, struct bytes text, struct bytes *parts)
{
	for (; *pattern && *pattern != '*'; pattern++) {
		if (!text.len || *text.data != (uint8_t)*pattern)
			return false;
		text = bytes_of(text.data + 1, text.len - 1);
	}
	if (!*pattern)
		return !text.len;
	for (size_t n = 0; n <= text.len; n++) {
		parts[0] = bytes_of(text.data, n);
		if (fits(pattern + 1, bytes_of(text.data + n, text.len - n), parts + 1))
			return true;
	}
	return false;
}

static void add(struct bytes text, int depth, struct buf *out);

static void add_parts(const char *zh, const struct bytes *parts, int depth, struct buf *out)
{
	for (; *zh; zh++)
		if (*zh == '$')
			add(parts[*++zh - '1'], depth, out);
		else
			buf_add_u8(out, (uint8_t)*zh);
}

static bool add_known(struct bytes text, int depth, struct buf *out)
{
	struct bytes parts[PARTS_MAX];

	for (size_t i = 0; depth < DEPTH_MAX && i < sizeof patterns / sizeof *patterns; i++)
		if (fits(patterns[i].en, text, parts)) {
			add_parts(patterns[i].zh, parts, depth + 1, out);
			return true;
		}
	return false;
}

/* A sentence about a field begins with the field's name. */
static void add(struct bytes text, int depth, struct buf *out)
{
	const uint8_t *blank = text.len ? memchr(text.data, ' ', text.len) : NULL;
	size_t name = blank ? (size_t)(blank - text.data) + 1 : 0;
	size_t before = out->len;

	if (add_known(text, depth, out))
		return;
	buf_add_bytes(out, bytes_of(text.data, name));
	if (name && add_known(bytes_of(text.data + name, text.len - name), depth, out))
		return;
	out->len = before;
	buf_add_bytes(out, text);
}

void message_chinese(struct bytes text, struct buf *out)
{
	add(text, 0, out);
}

void message_chinese_error(struct error *e)
{
	struct buf text = BUF_INIT;

	message_chinese(bytes_str(e->message), &text);
	if (text.len < sizeof e->message)
		snprintf(e->message, sizeof e->message, "%s", buf_str(&text));
	for (size_t i = 0; i < e->nfields; i++) {
		buf_clear(&text);
		message_chinese(bytes_str(e->fields[i].message), &text);
		free(e->fields[i].message);
		e->fields[i].message = bytes_dup(buf_bytes(&text));
	}
	buf_free(&text);
}
