#!/usr/bin/python3
"""Writes made-up records as CSV, each row from its number alone: generate.py customers|contacts|activities N [OWNER EVERY] > FILE.

Customers have 27 filled fields in some 600 bytes. Contacts come two to a customer and activities three: they name customers by
their external ids. With OWNER and EVERY each EVERY-th customer belongs to that user, and
so do the rows of that customer.
"""

import sys

CITIES = "北京 上海 广州 深圳 杭州 南京 苏州 成都 重庆 武汉 西安 天津 宁波 长沙 青岛 大连 厦门 合肥 郑州 济南".split()
PROVINCES = "北京 上海 广东 广东 浙江 江苏 江苏 四川 重庆 湖北 陕西 天津 浙江 湖南 山东 辽宁 福建 安徽 河南 山东".split()
BRANDS = "华 中 国 天 地 人 和 信 达 通 联 创 新 科 金 银 宝 盛 隆 兴 旺 发 利 泰 安 康 平 福 瑞 祥 德 诚 明 光 辉 星 海 洋 江 河 山 川 云 风".split()
TRADES = "科技 贸易 机械 电子 食品 纺织 化工 医药 物流 建材 软件 网络 汽车 电气 环保 文化传媒 酒业 家具 服装 印刷".split()
INDUSTRIES = ("software wholesale_retail machinery electronics food textile chemical pharmaceutical logistics building_materials "
              "software internet automotive electrical environment media liquor other textile paper_printing").split()
GRADES = "normal normal normal normal key vip small prospect normal normal".split()
TYPES = "buyer buyer buyer buyer buyer partner supplier agent distributor competitor".split()
CLASSES = "enterprise enterprise enterprise consumer channel".split()
SOURCES = "advertising website exhibition referral partner phone_enquiry visit campaign social import".split()
CREDITS = "aaa aa aa a a a b b c d".split()
BANKS = "中国工商银行 中国农业银行 中国银行 中国建设银行 交通银行 招商银行 浦发银行 中信银行".split()
ROADS = "人民 中山 解放 建设 和平 胜利 新华 文化 科技 长江 黄河 滨海 湖滨 学院 工业 朝阳".split()
SURNAMES = "王 李 张 刘 陈 杨 黄 赵 吴 周 徐 孙 马 朱 胡 郭 何 林 高 罗 郑 梁 谢 宋 唐 许 韩 冯 邓 曹 彭 曾".split()
GIVEN = "伟 芳 娜 敏 静 丽 强 磊 军 洋 勇 艳 杰 娟 涛 明 超 秀 霞 平 刚 桂 英 华 文 建 国 红 玉 志 海 燕 俊 宇 晨 佳 欣 梅 春 雪".split()
PINYIN = "wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo he lin gao luo zheng liang xie song tang xu han feng deng cao peng zeng".split()
TITLES = "总经理 副总经理 采购经理 采购主管 财务经理 财务主管 技术总监 工程师 办公室主任 销售经理 项目经理 仓库主管 厂长 设备科长 行政主管 市场经理".split()
DEPARTMENTS = "总经理办公室 采购部 财务部 技术部 销售部 项目部 生产部 市场部".split()
NEEDS = "需要按季度供货 关注交货周期与售后响应 希望提供整体方案和培训 预算年底前批准 对价格敏感 要求本地服务人员 计划明年扩建厂房 正在比较三家供应商".split()
CONDITIONS = "近三年销售稳步增长 出口比例较高 新厂区已投产 主营业务稳定 正在转型升级 区域内市场份额领先 受原料价格影响较大 正在筹备上市".split()
REMARKS = "由展会认识 老客户介绍而来 每年三月签订框架合同 付款及时 联系人变动较多 注意保密要求 节日前需要拜访 货款按月结算".split()
KINDS = "call call call visit visit mail message meeting reception gift".split()
MODES = "phone phone wechat meet site_visit email sms video dinner tea".split()
SUBJECTS = "回访上月供货情况 商谈年度框架合同 介绍新产品 了解扩建计划 处理质量反馈 催收到期货款 参观生产现场 确认技术参数 节日问候 比较报价方案".split()
DETAILS = ("客户对上一批货物的质量表示满意，希望缩短交货时间;已答应三天内给出新的排期。 双方就价格和付款方式交换了意见，客户要求再降百分之三，需要请示后答复。 "
           "介绍了新型号的性能和案例，对方技术人员提出了五个问题，其中两个要由工程师书面回答。 对方正在编制明年的预算，预计下月中旬有结果，约好届时再次拜访。 "
           "电话中确认了设备的安装日期与现场条件，客户将安排专人配合，并提供水电接口的图纸。 参观了仓库和生产线，设备运行正常，发现两处易损件需要更换，已登记服务单。").split()
STEPS = "三天内发送报价单 下周二再次联系 寄送样品 安排工程师上门 请示价格后答复 提交合同草稿".split()
MASK = 0xFFFFFFFFFFFFFFFF


def mix(n, salt):
    n = (n * 0x9E3779B97F4A7C15 + salt * 0xBF58476D1CE4E5B9) & MASK
    n ^= n >> 31
    n = (n * 0x94D049BB133111EB) & MASK
    return n ^ (n >> 29)


class Dice:
    """Choices that follow from a number and a salt."""

    def __init__(self, n, salt):
        self.n, self.salt, self.left = n, salt, 0

    def below(self, limit):
        if self.left < 1 << 24:
            self.left = mix(self.n, self.salt)
            self.salt += 1
        self.left, rest = divmod(self.left, limit)
        return rest

    def of(self, words):
        return words[self.below(len(words))]

    def day(self, first, years):
        return f"{first + self.below(years)}-{self.below(12) + 1:02d}-{self.below(28) + 1:02d}"


def person(dice):
    at = dice.below(len(SURNAMES))
    return at, SURNAMES[at] + "".join(dice.of(GIVEN) for _ in range(1 + (dice.below(4) > 0)))


CUSTOMER = ("name,province,city,phone,industry,grade,annual_revenue,employee_count,external_id,address,customer_type,postcode,mobile,fax,email,"
            "homepage,business_field,legal_representative,tax_number,bank_name,bank_account,business_condition,needs,relation_class,source,"
            "credit_rating,remarks")


def customer(n):
    city = mix(n, 1) % len(CITIES)
    code, trade = divmod(n * 7919317 % (len(TRADES) * len(BRANDS) ** 3), len(TRADES))  # up to 1.7 million firms with names of their own
    brand = BRANDS[code % len(BRANDS)] + BRANDS[code // len(BRANDS) % len(BRANDS)] + BRANDS[code // len(BRANDS) ** 2]
    dice = Dice(n, 100)
    at, boss = person(dice)
    site = f"{PINYIN[at]}{n}"
    area = 200 + city
    return [
        f"{CITIES[city]}{brand}{TRADES[trade]}有限公司", PROVINCES[city], CITIES[city],
        f"0{area}-{mix(n, 4) % 90000000 + 10000000}", INDUSTRIES[trade], GRADES[mix(n, 5) % 10],
        str(mix(n, 6) % 100000000), str(mix(n, 7) % 5000 + 1), f"B{n:07d}",
        f"{PROVINCES[city]}{CITIES[city]}市{dice.of(ROADS)}路{mix(n, 8) % 1000 + 1}号{dice.of(BRANDS)}{dice.of(BRANDS)}大厦{n % 30 + 1}层",
        dice.of(TYPES), f"{100000 + city * 1000 + dice.below(1000)}", f"13{dice.below(10)}{dice.below(100000000):08d}",
        f"0{area}-{dice.below(90000000) + 10000000}", f"{PINYIN[at]}@{site}.example.com", f"https://www.{site}.example.com/",
        f"{TRADES[trade]}{dice.of(['研发', '生产', '销售', '加工', '服务'])}", boss, f"91{dice.below(900000) + 100000}{dice.below(10000000000):010d}",
        f"{dice.of(BANKS)}{CITIES[city]}{dice.of(ROADS)}路支行", f"62{dice.below(10000000000):010d}{dice.below(1000000):06d}",
        f"{dice.of(CONDITIONS)}、{dice.of(CONDITIONS)}", f"{dice.of(NEEDS)}、{dice.of(NEEDS)}", dice.of(CLASSES), dice.of(SOURCES), dice.of(CREDITS), f"{dice.of(REMARKS)}。{dice.of(REMARKS)}。{dice.of(REMARKS)}。",
    ]


def of_customer(n):
    return f"@external_id:B{n:07d}"


CONTACT = "customer,name,gender,department,job_title,office_phone,mobile,email,wechat,birthday,hobby,remarks"


def contact(n):
    of, dice = n // 2, Dice(n, 200)
    at, name = person(dice)
    return [
        of_customer(of), name, dice.of(["male", "female"]), dice.of(DEPARTMENTS), dice.of(TITLES), f"0{200 + mix(of, 1) % len(CITIES)}-{dice.below(90000000) + 10000000}",
        f"13{dice.below(10)}{dice.below(100000000):08d}", f"{PINYIN[at]}{n}@{PINYIN[at]}{of}.example.com", f"wx_{PINYIN[at]}{dice.below(100000000):08d}",
        dice.day(1960, 45), dice.of("围棋 钓鱼 羽毛球 摄影 书法 登山 读书 游泳".split()), dice.of(REMARKS),
    ]


ACTIVITY = "customer,activity_type,mode,activity_date,duration_minutes,subject,description,place,next_step"


def activity(n):
    dice = Dice(n, 300)
    return [
        of_customer(n // 3), dice.of(KINDS), dice.of(MODES), dice.day(2024, 2), str(5 * (dice.below(36) + 1)), dice.of(SUBJECTS), dice.of(DETAILS),
        f"{dice.of(CITIES)}{dice.of(ROADS)}路{dice.below(999) + 1}号", dice.of(STEPS),
    ]


KINDS_OF_ROWS = {"customers": (CUSTOMER, customer, 1), "contacts": (CONTACT, contact, 2), "activities": (ACTIVITY, activity, 3)}


def main():
    head, make, each = KINDS_OF_ROWS[sys.argv[1]]
    count = int(sys.argv[2])
    owner, every = (sys.argv[3], int(sys.argv[4])) if len(sys.argv) > 4 else (None, 1)
    out = sys.stdout
    out.write(head + (",owner" if owner else "") + "\n")
    for n in range(count):
        row = make(n)
        if owner:
            row.append(owner if n // each % every == 0 else "")
        out.write(",".join(row) + "\n")


main()
