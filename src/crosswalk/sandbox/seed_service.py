"""The rest of a seeded instance: quotations, tickets, prospects, knowledge, community, templates, a file."""

from crosswalk.sandbox import names
from crosswalk.sandbox.instance import Blob
from crosswalk.sandbox.planting import Planting
from crosswalk.sandbox.quotations import sum_up

Facts = dict[str, object]
MERGEABLE = ("Contact", "Lead", "Opportunity", "Organisation", "Project", "Product", "Quotation", "Fruit__c")
PLAIN = b"Terms agreed on the telephone.\n"


def plant(planting: Planting) -> None:
    """Put it all in."""
    _plant_prices(planting)
    _plant_quotations(planting)
    _plant_tickets(planting)
    _plant_prospects(planting)
    _plant_knowledge(planting)
    _plant_community(planting)
    for record in MERGEABLE:
        facts: Facts = {"TEMPLATE_NAME": f"{record} sheet", "TEMPLATE_FILE_TYPE": "docx", "ACTIVE": True}
        planting.add("document_templates", facts | {"RELATED_OBJECT_NAME": record})
    _plant_file(planting)


def _plant_prices(planting: Planting) -> None:
    n = planting.sizes.get("product", 0)
    for i in range(n):
        facts: Facts = {
            "PRODUCT_NAME": names.GOODS[i % len(names.GOODS)],
            "PRODUCT_CODE": f"G-{i + 1:04d}",
            "PRODUCT_FAMILY": planting.choose(("Goods", "Services")),
            "CURRENCY_CODE": "USD",
            "DEFAULT_PRICE": planting.rng.randrange(500, 90_000) / 100,
            "ACTIVE": True,
        }
        planting.add("product", facts, i=i, n=n)
    for name, standard in (("Standard", True), ("Wholesale", False)):
        book = planting.add(
            "pricebook", {"NAME": name, "CURRENCY_CODE": "USD", "IS_STANDARD": standard, "ACTIVE": True}
        )
        products = planting.table("product")
        for row in products.all():
            price = products.get(row, "DEFAULT_PRICE")
            entry: Facts = {"PRICEBOOK_ID": book.id, "PRODUCT_ID": row.id, "CURRENCY_CODE": "USD", "PRICE": price}
            planting.add("pricebook_entry", entry | {"USE_STANDARD_PRICE": standard, "ACTIVE": True})


def _plant_quotations(planting: Planting) -> None:
    n = planting.sizes.get("quotation", 0) if planting.ids("opportunities") and planting.ids("pricebook_entry") else 0
    for i in range(n):
        facts: Facts = {
            "QUOTATION_NAME": f"Quote {i + 1}: {planting.choose(names.DEALS)}",
            "OPPORTUNITY_ID": planting.one_of("opportunities"),
            "CONTACT_ID": planting.one_of("contacts"),
            "PRICEBOOK_ID": planting.ids("pricebook")[0],
            "QUOTATION_NUMBER": f"Q-{planting.instance.next_number('quotation', 1001)}",
            "QUOTE_STATUS": planting.choose(("Draft", "Presented", "Accepted")),
            "QUOTATION_EXPIRATION_DATE": planting.day(30),
            "QUOTATION_CURRENCY_CODE": "USD",
        }
        row = planting.add("quotation", facts, i=i, n=n)
        for order in range(2):
            planting.add("quotation_line_item", _item(planting) | {"QUOTE_ID": row.id, "SORT_ORDER": order}, i=i, n=n)
        sum_up(planting.instance, row.id, without=0)
        item = _item(planting) | {"OPPORTUNITY_ID": facts["OPPORTUNITY_ID"]}
        planting.add("opportunity_line_item", item, i=i, n=n)


def _item(planting: Planting) -> Facts:
    entries = planting.table("pricebook_entry")
    entry = entries.rows[planting.choose(entries.order)]
    price, quantity = entries.get(entry, "PRICE"), planting.rng.randrange(1, 9)
    total = round(float(str(price)) * quantity, 2)
    return {
        "PRICEBOOK_ENTRY_ID": entry.id,
        "CURRENCY_CODE": "USD",
        "UNIT_PRICE": price,
        "LIST_PRICE": price,
        "QUANTITY": quantity,
        "SUBTOTAL": total,
        "DISCOUNT": 0,
        "TOTAL_PRICE": total,
    }


def _plant_tickets(planting: Planting) -> None:
    n = planting.sizes.get("ticket", 0) if planting.ids("contacts") else 0
    for i in range(n):
        facts: Facts = {
            "TICKET_TYPE": planting.choose(("Question", "Problem", None)),
            "SUBJECT": planting.choose(names.TROUBLES),
            "TICKET_STATUS": planting.choose(("OPEN", "WAITING", "SOLVED")),
            "PRIORITY": planting.choose(("LOW", "NORMAL", "HIGH")),
            "CONTACT_ID": planting.one_of("contacts"),
            "TICKET_NUMBER": str(planting.instance.next_number("ticket", 1001)),
            "SOURCE": "Email",
        }
        row = planting.add("ticket", facts, i=i, n=n)
        said = {"TICKET_ID": row.id, "BODY_HTML": f"<p>{facts['SUBJECT']}</p>", "PUBLIC_COMMENT": True}
        planting.add("ticket_comments", said | {"CHANNEL": "Email", "AUTHOR_CONTACT_ID": facts["CONTACT_ID"]}, i=i, n=n)


def _plant_prospects(planting: Planting) -> None:
    n = planting.sizes.get("prospect", 0)
    for i in range(n):
        first, last = planting.choose(names.FIRST), planting.choose(names.LAST)
        facts: Facts = {
            "FIRST_NAME": first,
            "LAST_NAME": last,
            "EMAIL_ADDRESS": f"prospect{i}@example.com",
            "SCORE": planting.rng.randrange(100),
            "GRADE": planting.choose(("A", "B", "C+")),
            "EMPLOYEE_COUNT": planting.rng.randrange(500),
            "VISIBLE_TO": "EVERYONE",
        }
        planting.add("prospect", facts, i=i, n=n)
    for i in range(planting.sizes.get("marketing_visits", 0)):
        facts = {"PROSPECT_ID": planting.one_of("prospect"), "MKT_SOURCE": "newsletter", "PAGE_VIEW_COUNT": i + 1}
        seen = {"FIRST_PAGE_VIEW_DATE_UTC": planting.day(-9), "LAST_PAGE_VIEW_DATE_UTC": planting.day(-2)}
        planting.add("marketing_visits", facts | seen)


def _plant_knowledge(planting: Planting) -> None:
    for name in ("Using the shop", "Your account"):
        category = planting.add("knowledge_article_category", {"CATEGORY_NAME": name})
        facts: Facts = {"FOLDER_NAME": f"{name}: basics", "CATEGORY_ID": str(category.id), "VISIBILITY": "PUBLIC"}
        planting.add("knowledge_article_folder", facts | {"ORDER_ARTICLES": "TITLE"})
    n = planting.sizes.get("knowledge_article", 0)
    for i in range(n):
        title = names.ANSWERS[i % len(names.ANSWERS)]
        facts = {
            "CATEGORY_ID": planting.ids("knowledge_article_category")[i % 2],
            "FOLDER_ID": planting.ids("knowledge_article_folder")[i % 2],
            "ARTICLE_NO": planting.instance.next_number("article", 1001),
            "ArticleVersion": "1",
            "Status": "Published",
            "Language": "en",
            "Title": title,
            "Body": f"<p>{title}, step by step.</p>",
            "URL_SLUG": f"{title.lower().replace(' ', '-')}-{i}",
            "DOWNVOTE_COUNT": 0,
            "UPVOTE_COUNT": planting.rng.randrange(9),
            "ExternalLinkCount": "0",
        }
        planting.add("knowledge_article", facts, i=i, n=n)


def _plant_community(planting: Planting) -> None:
    for name in ("Questions", "Ideas"):
        category = planting.add("forum_categories", {"CATEGORY_NAME": name})
        facts: Facts = {"FORUM_CATEGORY_ID": category.id, "FORUM_NAME": f"{name} forum", "FORUM_TYPE": "QUESTION"}
        planting.add("community_forums", facts | {"VISIBILITY": "PUBLIC", "FORUM_ORDER": "1"})
    n = planting.sizes.get("community_posts", 0)
    counts = dict.fromkeys(("VIEW_COUNT", "FOLLOWER_COUNT", "UPVOTE_COUNT", "DOWNVOTE_COUNT"), "0")
    for i in range(n):
        forum = planting.choose(planting.ids("community_forums"))
        facts = {"FORUM_ID": forum, "POST_NAME": planting.choose(names.TROUBLES), "MESSAGE": "Anyone else?"}
        row = planting.add("community_posts", facts | counts | {"STATUS": "OPEN", "COMMENT_COUNT": "1"}, i=i, n=n)
        said: Facts = {"BODY": "Yes, here too.", "POST_ID": row.id, "FORUM_ID": forum}
        planting.add("community_comments", said | {"UPVOTE_COUNT": "0", "DOWNVOTE_COUNT": "0"}, i=i, n=n)


def _plant_file(planting: Planting) -> None:
    owner = planting.one_of("organisations")
    if owner is None:
        return
    table = planting.table("file_attachments")
    facts: Facts = {
        "FILE_NAME": "terms (entwürfe).txt",
        "CONTENT_TYPE": "text/plain",
        "FILE_SIZE": len(PLAIN),
        "FILE_CATEGORY_ID": planting.ids("file_categories")[0],
        "URL": f"/v3.1/FileAttachments/{table.next_id}",
    }
    row = planting.add("file_attachments", facts)
    planting.instance.extras.owners[row.id] = ("organisations", owner)
    planting.instance.extras.blobs[f"file_attachments/{row.id}/"] = Blob("terms (entwürfe).txt", "text/plain", PLAIN)
