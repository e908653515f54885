"""Sentences about faulty files and rows, in both languages: the thing, the rule, what to do. `{facts}` come with the fault."""

from __future__ import annotations

from collections.abc import Mapping

FILES = {
    "empty": ("文件是空的。选好文件再上传", "The file is empty. Choose the file again"),
    "too-big": (
        "文件有 {megabytes} MB，最多 10 MB。分成几份",
        "The file has {megabytes} MB, at most 10 are taken. Split it",
    ),
    "old-format": (
        "这是旧版 .xls 或加了密码的文件。在 Excel 里另存为 .xlsx，不要加密码",
        "This is an old .xls file or has a password. Save it as .xlsx without one",
    ),
    "not-xlsx": (
        "这不是 Excel 文件（.xlsx）。下载模板，填好再上传",
        "This is no Excel file (.xlsx). Download the template and fill it in",
    ),
    "unpacks-too-big": (
        "文件展开后有 {megabytes} MB，超过 {most} MB。把数据复制到新的模板里再上传",
        "Unpacked the file has {megabytes} MB, more than {most}. Copy the data into a fresh template",
    ),
    "unsafe": (
        "文件里有不认识的内容，没有打开。把数据复制到新的模板里再上传",
        "The file holds parts that are not taken. Copy the data into a fresh template",
    ),
    "no-header": ("没找到表头。要有一行写着：{columns}", "No header row was found. One row has to name: {columns}"),
    "column-twice": ("表头里“{column}”有两列。删掉一列", "The header names “{column}” twice. Remove one column"),
    "too-many-rows": ("超过 {most} 行。分成几份", "There are more than {most} rows. Split the file"),
    "no-rows": ("表头下面没有数据", "There is nothing below the header"),
}
ROWS = {
    "missing": ("这一格要填", "This cell has to be filled in"),
    "too-long": ("超过 {longest} 个字", "Longer than {longest} characters"),
    "formula": ("这一格是公式。复制，再“粘贴为数值”", "This cell is a formula. Copy it and paste its value"),
    "date": (
        "Excel 把这一格当成了日期。把格式设成“文本”，重新填",
        "Excel took this for a date. Format the cell as text and type it again",
    ),
    "error-value": ("这一格是出错的公式结果 {text}", "This cell is the result of a broken formula, {text}"),
    "building-unknown": (
        "没有“{text}”这栋楼。先建楼栋，或改成：{known}",
        "There is no building “{text}”. Known ones: {known}",
    ),
    "code-malformed": ("单元号“{code}”看不懂，要像 3-1201", "“{code}” is no unit code; they look like 3-1201"),
    "code-of-other-building": (
        "单元号 {code} 不是楼栋 {building} 的",
        "Unit {code} does not belong to building {building}",
    ),
    "code-twice": ("单元 {code} 在第 {row} 行已经有了", "Unit {code} stands in row {row} already"),
    "floor-malformed": ("楼层“{text}”看不懂，要像 12 或 B1", "“{text}” is no floor; they look like 12 or B1"),
    "area-malformed": ("面积“{text}”不是大于 0 的数", "“{text}” is no number above 0"),
    "phone-malformed": ("号码“{text}”不对", "“{text}” is no phone number"),
    "phone-masked": (
        "号码“{text}”是遮住的。填完整号码，或把这一格清空",
        "“{text}” is masked. Give the whole number or empty the cell",
    ),
    "yes-or-no": ("“{text}”要写 是 或 否", "“{text}” has to be yes or no"),
    "kind-unknown": ("“{text}”要写 公司 或 住户", "“{text}” has to be company or household"),
    "customer-missing": ("有联系人、电话、VIP 或习惯，就要有客户名称", "Contact, phone, VIP or habits need a customer"),
    "customer-ambiguous": (
        "叫“{name}”的客户有 {count} 个，分不清是哪个",
        "There are {count} customers called “{name}”",
    ),
    "contact-missing": ("有电话就要有联系人", "A phone needs a contact"),
    "differs": ("“{name}”的这一项和第 {row} 行不一样", "For “{name}” row {row} says something else"),
    "username-malformed": (
        "用户名“{text}”要小写字母开头，只用字母、数字、点、横线",
        "“{text}” has to begin with a letter and to consist of letters, digits, dots and dashes",
    ),
    "username-twice": ("用户名 {username} 在第 {row} 行已经有了", "Username {username} stands in row {row} already"),
    "role-unknown": ("没有“{text}”这个角色", "There is no role “{text}”"),
    "role-has-no-building": (
        "“{text}”管整个中心，不能只管一栋",
        "“{text}” is for the whole centre, not for one building",
    ),
    "role-not-yours": ("“{text}”只有系统管理员能给", "Only the administrator can give the role “{text}”"),
    "roles-missing": ("新员工要有角色或部门", "New people need a role or a department"),
    "department-unknown": ("没有“{text}”这个部门。有：{known}", "There is no department “{text}”. Known ones: {known}"),
    "department-differs": (
        "部门是“{text}”，角色里没有这个部门的",
        "None of the roles belongs to the department “{text}”",
    ),
    "person-not-yours": (
        "{username} 不只在这个中心，或者是管理岗，要请系统管理员改",
        "{username} is not of this centre alone, or leads. Ask the administrator",
    ),
    "yourself": ("不能停用自己", "You cannot switch yourself off"),
    "open-work": (
        "{username} 手上还有 {count} 件没办完。先交给别人，再停用",
        "{username} still has {count} open matters. Hand them over first",
    ),
}


def of_file(rule: str, facts: Mapping[str, object], language: str = "zh") -> str:
    return _said(FILES, rule, facts, language)


def of_row(rule: str, facts: Mapping[str, object], language: str = "zh") -> str:
    return _said(ROWS, rule, facts, language)


def _said(sentences: dict[str, tuple[str, str]], rule: str, facts: Mapping[str, object], language: str) -> str:
    return sentences[rule][language == "en"].format_map(facts)
