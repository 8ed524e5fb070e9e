/*
 * Names of firms and persons in the form in which two of them are taken for one.
 */
#ifndef COMMON_NAME_MATCH_H
#define COMMON_NAME_MATCH_H

#include "common/buf.h"

/*
 * Appends the name folded (width, case), without blanks, brackets, quotes, full stops and commas, and without the word for the form of company at its end
 * (有限公司, 股份有限公司, 有限责任公司, Co., Ltd.). Nothing for a name of nothing but these.
 */
void name_match(struct bytes name, struct buf *out);

#endif
