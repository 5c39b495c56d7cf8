from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]
    operations = [
        migrations.AddField("Organization", "motto", models.CharField(max_length=9, db_default="")),
    ]
