#!/usr/bin/python3
"""Writes N made-up customers as CSV, each from its number alone: generate.py N [OWNER EVERY] > FILE.

With OWNER and EVERY each EVERY-th row belongs to that user.
"""

import sys

CITIES = "北京 上海 广州 深圳 杭州 南京 苏州 成都 重庆 武汉 西安 天津 宁波 长沙 青岛 大连 厦门 合肥 郑州 济南".split()
PROVINCES = "北京 上海 广东 广东 浙江 江苏 江苏 四川 重庆 湖北 陕西 天津 浙江 湖南 山东 辽宁 福建 安徽 河南 山东".split()
BRANDS = "华 中 国 天 地 人 和 信 达 通 联 创 新 科 金 银 宝 盛 隆 兴 旺 发 利 泰 安 康 平 福 瑞 祥 德 诚 明 光 辉 星 海 洋 江 河 山 川 云 风".split()
TRADES = "科技 贸易 机械 电子 食品 纺织 化工 医药 物流 建材 软件 网络 汽车 电气 环保 文化传媒 酒业 家具 服装 印刷".split()
INDUSTRIES = ("software wholesale_retail machinery electronics food textile chemical pharmaceutical logistics building_materials "
              "software internet automotive electrical environment media liquor other textile paper_printing").split()
GRADES = "normal normal normal normal key vip small prospect normal normal".split()


def mix(n, salt):
    n = (n * 0x9E3779B97F4A7C15 + salt * 0xBF58476D1CE4E5B9) & 0xFFFFFFFFFFFFFFFF
    n ^= n >> 31
    n = (n * 0x94D049BB133111EB) & 0xFFFFFFFFFFFFFFFF
    return n ^ (n >> 29)


def customer(n):
    city, trade = mix(n, 1) % len(CITIES), mix(n, 2) % len(TRADES)
    brand = "".join(BRANDS[mix(n, 10 + i) % len(BRANDS)] for i in range(2 + mix(n, 3) % 2))
    return [
        f"{CITIES[city]}{brand}{TRADES[trade]}有限公司", PROVINCES[city], CITIES[city],
        f"0{200 + city}-{mix(n, 4) % 90000000 + 10000000}", INDUSTRIES[trade], GRADES[mix(n, 5) % 10],
        str(mix(n, 6) % 100000000), str(mix(n, 7) % 5000 + 1), f"B{n:07d}", f"第{mix(n, 8) % 1000}号大街{n % 300}号",
    ]


def main():
    count = int(sys.argv[1])
    owner, every = (sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 3 else (None, 0)
    out = sys.stdout
    out.write("name,province,city,phone,industry,grade,annual_revenue,employee_count,external_id,address" + (",owner" if owner else "") + "\n")
    for n in range(count):
        row = customer(n)
        if owner:
            row.append(owner if n % every == 0 else "")
        out.write(",".join(row) + "\n")


main()
