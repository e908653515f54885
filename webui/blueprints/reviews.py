"""Reviews: the list, one review whose matters are decided and which is signed, and a version as it was signed.

Signing asks for the password again; what is signed is what the page showed, by its hash. Where it has changed since, the page
comes back with what differs, and nothing is signed.
"""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for

from service import access
from service.errors import Refused
from service.reviews import actions, queries
from service.signing import actions as signing
from webui import moments
from webui.errors import Fault, Missing, fault_of, remember
from webui.gates import gate, look_again, service_app
from webui.i18n import gettext
from webui.told import told
from webui.views import reviews as views

reviews = Blueprint("reviews", __name__)


def reader(person):
    """Whoever reads reviews, and whoever has something to do from one; None (404) for anybody else."""
    return person if access.may(person, queries.ACTION) or queries.actions_for(person) else None


def review_for(person, review_number: str) -> queries.ReviewCard:
    """Everything for a review's page. Raises NotThere outside the person's reach."""
    return queries.card(person, review_number)


def action_for(person, action_id: int) -> int | None:
    """One's own, or one within reach of a lead; None for anybody else's."""
    return queries.action_for(person, action_id)


@reviews.get("/reviews")
@gate(reader)
def index(_person):
    return render_template("reviews/index.html", page=views.listing())


@reviews.get("/reviews/<review_number>")
@gate(review_for, "review_number")
def show(card):
    return render_template("reviews/show.html", page=views.page(card))


@reviews.get("/reviews/<review_number>/versions/<int:version_number>")
@gate(review_for, "review_number")
def version(card, version_number: int):
    page = views.version(card, version_number)
    if page is None:
        raise Missing("version")
    return render_template("reviews/version.html", page=page)


@reviews.post("/reviews/<review_number>/decide")
@gate(review_for, "review_number")
def decide(card):
    number = card.review.number
    decision = actions.Decision(
        request.form.get("text", ""), request.form.get("person", "")[:64] or None, moments.day(request.form.get("due_on"))
    )
    try:
        _complete(decision)
        actions.decide(
            service_app(), g.person, number, request.form.get("key", "")[:80], decision, "same" in request.form
        )
    except Refused as error:
        return _again(number, error)
    look_again()
    return redirect(url_for("reviews.show", review_number=number, _anchor="matters"), 303)


def _complete(decision: actions.Decision) -> None:
    """Refuses, in the reader's language, what the action would refuse."""
    if not decision.text.strip():
        raise Refused(gettext("写一句怎么办；不用办的，写为什么"), "text")
    if decision.person and decision.due_on is None:
        raise Refused(gettext("选了人，就写哪天前办完"), "due_on")


@reviews.post("/reviews/<review_number>/sign")
@gate(review_for, "review_number")
def sign(card):
    number, form = card.review.number, request.form
    try:
        proof = signing.prove(service_app(), g.person, form.get("password", ""), request.remote_addr or "")
        actions.sign(
            service_app(),
            g.person,
            number,
            proof,
            form.get("seen_hash", "")[:64],
            form.get("opinion", ""),
            form.get("shown"),
            form.get("request_id", "")[:64] or None,
        )
    except signing.ContentChanged as error:
        return _changed(number, error)
    except Refused as error:
        return _again(number, _in_words(error))
    look_again()
    told(
        gettext("%(number)s 签好，封存了", number=number),
        url_for("reviews.show", review_number=number),
        gettext("看一看"),
    )
    return redirect(url_for("reviews.index"), 303)


@reviews.post("/reviews/<review_number>/help")
@gate(review_for, "review_number")
def help(card):
    actions.ask_help(
        service_app(),
        g.person,
        card.review.number,
        request.form.get("question", "").strip(),
        request.form.get("request_id", "")[:64] or None,
    )
    told(gettext("已求助，主管会看到"))
    return redirect(url_for("reviews.show", review_number=card.review.number), 303)


@reviews.post("/reviews/actions/<int:action_id>/done")
@gate(action_for, "action_id")
def done(action_id: int):
    actions.done(service_app(), g.person, action_id)
    look_again()
    told(gettext("记下了：办了"))
    return redirect(url_for("reviews.index") if reader(g.person) else url_for("desk.first"), 303)


def _again(number: str, error: Exception):
    """The page with what was typed, and what is wrong with it."""
    look_again()
    fault = fault_of(error)
    remember(fault)
    return render_template(
        "reviews/show.html", page=views.page(review_for(g.person, number), request.form)
    ), fault.status


def _changed(number: str, error: signing.ContentChanged):
    look_again()
    remember(Fault(409, gettext("你看过之后有人改了，没有签"), gettext("先看改了什么，再签一次")))
    page = views.page(review_for(g.person, number), request.form)
    page.differences = views.differences(error) or [gettext("看的时间太久，内容已经换过")]
    return render_template("reviews/show.html", page=page), 409


def _in_words(error: Refused) -> Refused:
    """What the domain refuses, in the reader's language."""
    if isinstance(error, actions.NotDecided):
        return Refused(gettext("还差 %(n)d 件没定办法", n=len(error.keys)), "matters")
    return Refused(gettext("密码不对，没有签。再输一次"), "password") if error.field == "password" else error
