"""The columns of the templates: their names in both languages, what they mean, an example. The importer knows these only.

A new column of a template is one line here and its use in `units` or `people`.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.exchange.models import Kind


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `needed` ones have to be in the header row. `longest` is in characters."""

    key: str
    zh: str
    en: str
    about_zh: str
    about_en: str
    example: str
    needed: bool = False
    longest: int = 100
    width: int = 14
    also: tuple[str, ...] = ()  # other names that the header row may use
    choices: tuple[str, ...] = ()  # offered as a list in the template

    def name(self, language: str) -> str:
        return self.en if language == "en" else self.zh

    def about(self, language: str) -> str:
        return self.about_en if language == "en" else self.about_zh


UNITS = (
    Column(
        "building",
        "楼栋",
        "Building",
        "楼栋的编号或名称，要先有这栋楼。必填",
        "Code or name of a building that is there. Needed",
        "3座",
        needed=True,
        also=("楼座", "栋"),
    ),
    Column(
        "floor",
        "楼层",
        "Floor",
        "12、B1。没有的楼层会新建",
        "12, B1. A floor that is not there is made",
        "12",
        longest=10,
        width=8,
    ),
    Column(
        "unit",
        "单元号",
        "Unit",
        "3-1201 或 1201，一个单元一行。必填",
        "3-1201 or 1201, one row each. Needed",
        "1201",
        needed=True,
        longest=40,
        also=("单元", "房号", "单元编号"),
    ),
    Column(
        "kind",
        "客户类型",
        "Kind",
        "公司、住户",
        "company, household",
        "公司",
        longest=20,
        width=10,
        also=("类型",),
        choices=("公司", "住户"),
    ),
    Column(
        "area",
        "面积",
        "Area",
        "平方米",
        "Square metres",
        "180",
        longest=20,
        width=10,
        also=("建筑面积", "面积(㎡)", "面积㎡"),
    ),
    Column(
        "customer",
        "客户名称",
        "Customer",
        "公司全称或户主姓名；同名公司算同一个客户",
        "Company or head of the household; companies of one name are one customer",
        "示例科技有限公司",
        longest=200,
        width=28,
        also=("客户", "公司", "公司名称", "业主"),
    ),
    Column("contact", "联系人", "Contact", "有电话就要有联系人", "Needed where there is a phone", "张三", longest=100),
    Column(
        "phones",
        "电话",
        "Phones",
        "几个号码用顿号分开",
        "Several are parted by a comma",
        "13800000000、021-55550000",
        longest=200,
        width=28,
        also=("联系电话", "手机", "手机号", "Phone"),
    ),
    Column(
        "vip", "VIP", "VIP", "是、否", "yes, no", "否", longest=10, width=8, also=("是否VIP",), choices=("是", "否")
    ),
    Column(
        "habits",
        "习惯和禁忌",
        "Habits",
        "接待时要知道的",
        "What to know when receiving them",
        "周一上午例会，别约上门",
        longest=1000,
        width=32,
        also=("习惯", "禁忌", "备注"),
    ),
)
PEOPLE = (
    Column(
        "username",
        "用户名",
        "Username",
        "登录用，小写字母开头，以后不改。必填",
        "For the log-in, begins with a small letter, never changes. Needed",
        "zhangsan",
        needed=True,
        longest=64,
        also=("账号", "登录名"),
    ),
    Column("name", "姓名", "Name", "新员工必填", "Needed for new people", "张三", needed=True, longest=100),
    Column(
        "phone", "手机", "Phone", "一个号码", "One number", "13800000000", longest=40, width=16, also=("电话", "手机号")
    ),
    Column(
        "roles",
        "角色",
        "Roles",
        "客服专员、客服助理、收费员、主管、工程部、工程部主管……；只管一栋写成 客服专员@3座；几个用顿号分开",
        "specialist, assistant, cashier, supervisor, engineering, engineering-head ...; for one building only: specialist@3; "
        "several are parted by a comma",
        "客服专员@3座、客服助理",
        longest=400,
        width=32,
        also=("岗位",),
    ),
    Column(
        "department",
        "部门",
        "Department",
        "和角色要对得上；只写部门，就给这个部门的角色",
        "Has to fit the roles; alone it gives the department's role",
        "",
        longest=100,
        width=16,
    ),
    Column(
        "active",
        "在职",
        "Active",
        "是、否；否就停用登录",
        "yes, no; no switches the log-in off",
        "是",
        longest=10,
        width=8,
        also=("是否在职", "状态"),
        choices=("是", "否"),
    ),
)
OF = {Kind.UNITS: UNITS, Kind.PEOPLE: PEOPLE}
