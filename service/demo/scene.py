"""What waits at the end of the demo, so that everybody who logs in finds the day's work: told ticket by ticket, relative to now.

`b(20)` is twenty minutes of opening time before the end, `p(20)` before the closing of the business day before, `w(20)` by the wall
clock (for what is urgent). Surprise: where the demo ends outside opening hours, the end of the last opening counts as now for `b`,
so the work waits for the morning, and the urgent case is tonight's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.demo import deeds
from service.demo.living import Case, Place, Story, World
from service.demo.people import Staff
from service.demo.texts import starting_with
from service.tickets import promising
from service.tickets.promising import Terms

Act = tuple[datetime, Callable[[World, Case], None]]


@dataclass
class Scene:
    """The end of the demo at one centre."""

    world: World
    place: Place

    def __post_init__(self) -> None:
        calendar, now = self.place.calendar, self.world.end_at
        self.open_now = calendar.is_open(now)
        self.last_at = now if self.open_now else calendar.add(calendar.subtract(now, 1), 1)
        opening = calendar.subtract(self.last_at, 0.001)
        self.day_before_at = calendar.subtract(calendar.opening_time(calendar.local(opening).date()), 0.001)

    def b(self, minutes: float) -> datetime:
        return self.place.calendar.subtract(self.last_at, minutes)

    def p(self, minutes: float) -> datetime:
        return self.place.calendar.subtract(self.day_before_at, minutes)

    def w(self, minutes: float) -> datetime:
        return self.world.end_at - timedelta(minutes=minutes)

    def who(self, username: str) -> Staff:
        return self.world.staff[username]

    def ticket(self, at: datetime, owner: str, unit: str, text: str, acts: Iterable[Act] = (), *, kept: bool = False, urgent: bool = False,
               building: str = "", level: int = 1, **options) -> None:
        """Plan a ticket: registered at `at` by its owner for a unit (or a building's public area), then its acts."""
        self.world.plan(at, self._story(owner, unit, text, list(acts), kept, urgent, building, level, options))

    def _story(self, owner: str, unit: str, text: str, acts: list[Act], kept: bool, urgent: bool, building: str, level: int, options: dict) -> Story:
        caller = self.place.by_unit(unit) if unit else None
        case = self.world.register(self.who(owner), self.place.site, starting_with(text), caller, building=building, level=level, urgent=urgent,
                                   **options)
        if kept:
            self.world.kept.add(case.number)
        for at, act in acts:
            yield at
            act(self.world, case)

    def accept(self, by: str, worker: str | None = None) -> Callable[[World, Case], None]:
        return lambda world, case: deeds.accept(world, case, self.who(by), self.who(worker) if worker else None)


def doing(deed: Callable[..., object], *more: object) -> Callable[[World, Case], None]:
    """The deed as an act of a story, with what else it needs."""
    return lambda world, case: deed(world, case, *more)


def river(scene: Scene) -> None:
    """江湾中心: the work of Lin, Zhou, Chen, Wang, Gao, Liu, Sun and Qin."""
    _contracts(scene)
    _lin_acts(scene)
    _lin_waits(scene)
    _superiors(scene)
    _fees_and_safety(scene)
    _urgent(scene)
    _earlier(scene)
    _promises(scene)


def _contracts(s: Scene) -> None:
    """What the project's contract promised, from the first of the lived days on."""
    from_on = s.place.calendar.local(s.world.clock.now()).date()
    source = "物业服务合同"
    for terms in (
        Terms("装修申请两小时内答复", f"{source}第 8 条", from_on, category="renovation", response_minutes=120),
        Terms("急修二十分钟到场", f"{source}第 9 条", from_on, category="repair", urgency="urgent", arrival_minutes=20),
    ):
        promising.save(s.world.app, s.who("chen"), s.place.site.centre.id, terms)


def _lin_acts(s: Scene) -> None:
    """Lin's own tasks, in different states."""
    b, p = s.b, s.p
    s.ticket(b(190), "lin", "2-0805", "卫生间插座没电", [
        (b(186), deeds.dispatch), (b(178), s.accept("gao", "liu")), (b(150), deeds.arrive), (b(68), deeds.handle)])
    s.ticket(b(130), "lin", "3-1107", "洗手池下水很慢", [
        (b(127), deeds.dispatch), (b(115), s.accept("zhangbo")), (b(90), deeds.arrive), (b(22), deeds.handle)])
    s.ticket(b(17), "lin", "2-1604", "固定车位被人占了")  # two minutes late: told to Lin and Chen
    s.ticket(b(4), "lin", "1-0907", "门禁读头不灵")
    s.ticket(b(28), "lin", "3-0903", "茶水间净水器不出水", [
        (b(25), deeds.dispatch), (b(16), doing(deeds.ask, s.who("gao"), "净水器是公司自己的还是大楼配的？进水阀在哪一间？"))])
    s.ticket(b(6), "lin", "1-1502", "访客停车怎么收费", on_the_spot=True)
    s.ticket(b(260), "lin", "2-1103", "会议室灯一闪一闪", [
        (b(255), deeds.dispatch), (b(245), s.accept("zhangbo")), (b(225), deeds.arrive), (b(190), deeds.handle),
        (b(170), doing(deeds.send_back, "换的灯色温不一样，客户不认")), (b(140), deeds.arrive), (b(12), deeds.handle)])
    s.ticket(p(420), "lin", "3-1806", "早高峰电梯等太久", [
        (p(414), deeds.dispatch), (p(400), s.accept("sun", "weidong")), (p(370), deeds.arrive), (p(200), deeds.handle), (p(180), deeds.verify),
        (p(40), deeds.not_reached)])
    for minutes, unit, text in ((540, "2-0805", "百叶窗帘拉不动"), (420, "3-0902", "热水器不出热水")):
        s.ticket(b(minutes + 120), "lin", unit, text, [
            (b(minutes + 115), deeds.dispatch), (b(minutes + 104), s.accept("gao", "liyong")), (b(minutes + 80), deeds.arrive),
            (b(minutes), deeds.handle), (b(minutes - 15), deeds.verify)])
    s.ticket(b(560), "lin", "1-1503", "办公室空调不制冷", [
        (b(555), deeds.dispatch), (b(550), s.accept("liyong")), (b(520), deeds.arrive), (b(400), deeds.handle), (b(390), deeds.verify),
        (b(3), doing(deeds.visit, 2))])


def _lin_waits(s: Scene) -> None:
    """What Lin waits for: at Gao's, Liu's and Sun's."""
    b = s.b
    s.ticket(b(34), "lin", "3-0903", "窗户把手断了", [(b(30), deeds.dispatch), (b(20), s.accept("gao", "liu"))])
    s.ticket(b(80), "lin", "3-0902", "地砖翘起来一块", [
        (b(76), deeds.dispatch), (b(66), s.accept("liu")), (b(35), deeds.arrive), 
        (b(14), doing(deeds.urge, "学员差点绊倒，能不能今天弄好"))])
    s.ticket(b(9), "lin", "2-1605", "地毯边翘了", [(b(6), deeds.dispatch)])
    s.ticket(b(24), "xuting", "1-0604", "男卫隔间门锁扣坏了", [(b(20), deeds.dispatch)])


def _superiors(s: Scene) -> None:
    """One escalation each for Chen, Wang and Qin, and a call for help."""
    b = s.b
    s.ticket(b(36), "lin", "1-0604", "大门锁打不开", [(b(33), deeds.dispatch)], kept=True)
    s.ticket(b(640), "lin", "1-1502", "玻璃隔断裂了一道纹", [
        (b(634), deeds.dispatch), (b(628), s.accept("gao", "gao")), (b(590), deeds.arrive),
        (b(52), doing(deeds.raise_it, "answer_supervisor", s.who("chen"), "玻璃厂家说还要五天，请经理协调临时隔断的费用"))], kept=True)
    s.ticket(b(760), "lin", "3-1201", "顶楼排风机声音大", [
        (b(754), deeds.dispatch), (b(748), s.accept("gao", "shihw")), (b(700), deeds.arrive),
        (b(165), doing(deeds.raise_it, "answer_supervisor", s.who("chen"), "降噪要动设备基础，超出中心权限")),
        (b(110), doing(deeds.raise_it, "answer_manager", s.who("wang"), "请品质部按合同时限定整改方案"))], kept=True)
    s.ticket(b(100), "xuting", "2-1103", "卫生间插座没电", [
        (b(96), deeds.dispatch), (b(86), s.accept("liu")), (b(50), deeds.arrive),
        (b(10), doing(deeds.ask_help, s.who("liu"), "要停 11 层半小时电才能换线，请主管跟租户打招呼"))], kept=True)


def _fees_and_safety(s: Scene) -> None:
    b = s.b
    s.ticket(b(45), "lin", "2-1604", "这个月电费比上月多一倍", [(b(40), deeds.dispatch)])
    s.ticket(b(150), "lin", "3-1107", "物业费发票开错抬头", [
        (b(146), deeds.dispatch), (b(110), s.accept("zhou")), (b(60), deeds.arrive)])
    s.ticket(b(21), "lin", "", "{f} 楼楼道堆了好多纸箱", [(b(18), deeds.dispatch)], building="3", level=18, channel="patrol")
    s.ticket(b(75), "xielin", "T-108", "店门口总有人停共享单车", [
        (b(71), deeds.dispatch), (b(60), s.accept("sun", "sun")), (b(30), deeds.arrive)])
    s.ticket(b(55), "caojy", "T-215", "店铺招牌灯有一个字不亮", [(b(51), deeds.dispatch), (b(40), s.accept("gao", "wulei"))])


def _urgent(s: Scene) -> None:
    """In hours Lin's VIP has water coming down and urges; out of hours Liu is out on tonight's case."""
    w, b = s.w, s.b
    if s.open_now:
        s.ticket(w(24), "lin", "3-1201", "{f} 楼茶水间吊顶滴水", [
            (w(22), deeds.dispatch), (w(17), s.accept("gao", "liu")), (w(3), doing(deeds.urge, "还在滴，已经滴到会议室了，客人马上到"))],
            urgent=True, expectation="come-now")
    else:
        s.ticket(w(32), "dingxf", "L3-1202", "家里突然停电", [
            (w(30), deeds.dispatch), (w(26), s.accept("liu")), (w(9), deeds.arrive), (w(4), doing(deeds.urge, "孩子睡不着，空调也停了"))],
            urgent=True, expectation="come-now")
        s.ticket(w(9), "xiamy", "L1-0601", "电梯停在", [(w(7), deeds.dispatch)], urgent=True, expectation="come-now")
        s.ticket(b(64), "lin", "3-1201", "{f} 楼新风没风", [
            (b(60), deeds.dispatch), (b(50), s.accept("gao", "liu")), (b(25), doing(deeds.urge, "下午的会取消了，明早九点前要好"))])


def _earlier(s: Scene) -> None:
    """What must occur in the smallest demo too: merged, withdrawn, not accepted in time and answered, called in."""
    b, p = s.b, s.p
    first: list[Case] = []
    s.ticket(b(230), "lin", "2-1103", "电梯里很晃", [
        (b(226), deeds.dispatch), (b(224), lambda _, case: first.append(case)), (b(214), s.accept("gao", "qiandl")), (b(190), deeds.arrive),
        (b(80), deeds.handle), (b(62), deeds.verify)], channel="visit")
    s.ticket(b(222), "lin", "2-1605", "电梯里很晃", [(b(218), lambda world, case: deeds.merge(world, case, first[0]))])
    s.ticket(b(300), "lin", "1-0907", "地毯边翘了", [(b(294), deeds.dispatch), (b(285), doing(deeds.withdraw, "客户自己用胶粘好了，不用来了"))])
    s.ticket(p(240), "lin", "1-0604", "前台网络面板没信号", [
        (p(235), deeds.dispatch), (p(202), doing(deeds.advise, "answer_supervisor", s.who("chen"), "让刘强先过去看，我跟高卫东说")),
        (p(198), s.accept("gao", "liu")), (p(180), deeds.arrive), (p(120), deeds.handle), (p(90), deeds.verify),
        (p(20), doing(deeds.visit, 4))], kept=True)
    s.ticket(b(350), "lin", "1-1502", "大堂空调太冷", [
        (b(346), deeds.dispatch), (b(341), doing(deeds.cannot_solve, s.who("gao"), "温度是总部统一设定，要先改大堂常开门，归安环部管")),
        (b(318), doing(deeds.call_in, s.who("chen"), "safety", "请安环部先把侧门改为自动")),
        (b(315), doing(deeds.dispatch, "safety", "大堂侧门改自动，测温度")), (b(309), s.accept("sun", "menglei")), (b(270), deeds.arrive),
        (b(200), deeds.handle), (b(180), deeds.verify)], kept=True)


def _promises(s: Scene) -> None:
    """Today's promises of Lin: in hours within the next hours, else one that was missed and the others for the morning."""
    calendar, now = s.place.calendar, s.world.end_at
    opens_at = calendar.next_opening(now)
    later = (opens_at + timedelta(minutes=m) for m in (30, 90))
    due = [now + timedelta(minutes=m) for m in (8, 38, 68)] if s.open_now else [s.b(15), *later]
    promised = (("3-1107", "卫生间太脏", "保洁几点补扫完，给回话", "xiongfei"), ("2-0805", "要上季度的物业费收据", "收据拍照发过去", "tangmin"),
                ("1-0907", "装修证能不能延期", "装修证能不能延期，给答复", "maxin"))
    for (unit, request, text, worker), at in zip(promised, due):
        s.ticket(s.b(95), "lin", unit, request, [
            (s.b(91), deeds.dispatch), (s.b(88), doing(deeds.promise, text, at)), (s.b(80), s.accept(worker))])


def east(scene: Scene) -> None:
    """城东: Hu's own work, which nobody of 江湾中心 sees."""
    b = scene.b
    scene.ticket(b(120), "hu", "A-0203", "会议室灯一闪一闪", [
        (b(116), deeds.dispatch), (b(105), scene.accept("houliang", "longwei")), (b(80), deeds.arrive), (b(20), deeds.handle)])
    scene.ticket(b(5), "hu", "A-0305", "门禁卡丢了怎么补")
    scene.ticket(b(28), "hu", "A-0204", "办公室空调不制冷", [(b(24), deeds.dispatch)])
    scene.ticket(b(480), "hu", "A-0305", "百叶窗帘拉不动", [
        (b(475), deeds.dispatch), (b(465), scene.accept("longwei")), (b(440), deeds.arrive), (b(390), deeds.handle), (b(370), deeds.verify)])


SCENES = 35  # how many tickets are told here
